"""JQL's words: a query string cut into tokens that know where they stand.

Source: Atlassian, "What is advanced search in Jira Cloud?" and "JQL reserved characters".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Kind = Literal["word", "string", "operator", "(", ")", ",", "end"]

# A character outside quotes that JQL keeps for itself.
_RESERVED = frozenset("+.;?|*/%^$#@[]{}`&!")
_TOKEN = re.compile(
    r"""(?P<space>\s+)
      | (?P<string>"(?:[^"\\]|\\.)*" | '(?:[^'\\]|\\.)*')
      | (?P<operator>!=|!~|<=|>=|&&|\|\||[=~<>!&|])
      | (?P<mark>[(),])
      | (?P<word>[^\s"'=!~<>&|(),+.;?*/%^$\#@\[\]{}`\\]+)""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_CONTROL = {"n": "\n", "t": "\t", "r": "\r"}


class JqlError(ValueError):
    """A query that cannot be run; the message is what Jira puts into ``errorMessages``."""


@dataclass(frozen=True)
class Token:
    """``text`` is unescaped; ``start`` is the offset in the query, from 0."""

    kind: Kind
    text: str
    start: int

    def keyword(self) -> str:
        """The upper-case word, or empty for anything that cannot be a keyword (quoted text cannot)."""
        return self.text.upper() if self.kind == "word" else ""


def where(query: str, offset: int) -> str:
    """The place of ``offset`` in Jira's words."""
    line = query.count("\n", 0, offset)
    return f"(line {line + 1}, character {offset - query.rfind(chr(10), 0, offset)})"


def tokens(query: str) -> Iterator[Token]:
    """Every token of ``query``, closed by one of kind ``end``. Raises ``JqlError``."""
    position = 0
    while position < len(query):
        found = _TOKEN.match(query, position)
        if found is None:
            raise _unreadable(query, position)
        text = found[0]
        if found.lastgroup == "string":
            yield Token("string", _unescape(text[1:-1]), position)
        elif found.lastgroup == "operator":
            yield Token("operator", text, position)
        elif found.lastgroup == "mark":
            yield Token(_mark(text), text, position)
        elif found.lastgroup == "word":
            yield Token("word", text, position)
        position = found.end()
    yield Token("end", "", len(query))


def _mark(text: str) -> Kind:
    if text == "(":
        return "("
    return ")" if text == ")" else ","


def _unescape(text: str) -> str:
    def one(match: re.Match[str]) -> str:
        code = match[1]
        return chr(int(code[1:], 16)) if len(code) == 5 else _CONTROL.get(code, code)

    return _ESCAPE.sub(one, text)


def _unreadable(query: str, position: int) -> JqlError:
    character = query[position]
    place = where(query, position)
    if character in "\"'":
        return JqlError(
            f"Error in the JQL Query: The quoted string '{query[position + 1 :]}' has not been completed. {place}"
        )
    if character in _RESERVED:
        return JqlError(
            f"Error in the JQL Query: The character '{character}' is a reserved JQL character. You must enclose it in "
            f"a string or use the escape '\\u{ord(character):04x}' instead. {place}"
        )
    return JqlError(f"Error in the JQL Query: The character '{character}' cannot be used here. {place}")
