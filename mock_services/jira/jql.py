"""JQL's grammar: a query string becomes a tree of clauses and an order. Knows nothing of issues.

``query := [or] ["ORDER" "BY" sort ("," sort)*]``, ``or := and ("OR" and)*``, ``and := not ("AND" not)*``,
``not := ("NOT" | "!") not | "(" or ")" | field operator operand``. History operators (``WAS``, ``CHANGED``)
are not part of it.
"""

from __future__ import annotations

from dataclasses import dataclass

from mock_services.jira.lexer import JqlError, Token, tokens, where

MAX_DEPTH = 100
"""Levels of ``NOT`` and parentheses; a deeper query is refused rather than followed."""

_OPERATORS = "'=', '!=', '<', '>', '<=', '>=', '~', '!~', 'IN', 'NOT IN', 'IS' and 'IS NOT'"
_COMPARISONS = frozenset({"=", "!=", "<", ">", "<=", ">=", "~", "!~"})
_RESERVED_WORDS = frozenset({"AND", "OR", "NOT", "IN", "IS", "ORDER", "BY", "WAS", "CHANGED"})


@dataclass(frozen=True)
class Function:
    """``currentUser()``, ``startOfDay(-1)``: a name as written and its arguments."""

    name: str
    arguments: tuple[str, ...] = ()


@dataclass(frozen=True)
class Empty:
    """``EMPTY`` and ``NULL``."""


Operand = str | Function | Empty


@dataclass(frozen=True)
class Clause:
    """One comparison. ``operator`` is upper case; ``operands`` has one element unless it is ``IN`` or ``NOT IN``."""

    field: str
    operator: str
    operands: tuple[Operand, ...]


@dataclass(frozen=True)
class And:
    """All of ``parts``."""

    parts: tuple[Node, ...]


@dataclass(frozen=True)
class Or:
    """Any of ``parts``."""

    parts: tuple[Node, ...]


Node = Clause | And | Or

_NEGATED = {
    "=": "!=", "!=": "=", "~": "!~", "!~": "~", "<": ">=", ">=": "<", ">": "<=", "<=": ">",
    "IN": "NOT IN", "NOT IN": "IN", "IS": "IS NOT", "IS NOT": "IS",
}  # fmt: skip


@dataclass(frozen=True)
class Sort:
    """One term of ``ORDER BY``."""

    field: str
    descending: bool = False


@dataclass(frozen=True)
class Query:
    """A parsed query; ``where`` is None when it restricts nothing."""

    where: Node | None
    order: tuple[Sort, ...] = ()


def negate(node: Node) -> Node:
    """The opposite of ``node``. As in Jira, ``NOT`` turns each operator around, so an empty field stays outside."""
    if isinstance(node, And):
        return Or(tuple(negate(part) for part in node.parts))
    if isinstance(node, Or):
        return And(tuple(negate(part) for part in node.parts))
    return Clause(node.field, _NEGATED[node.operator], node.operands)


def parse(query: str) -> Query:
    """The tree of ``query``. Raises ``JqlError`` with Jira's kind of message."""
    return _Parser(query).query()


class _Parser:
    def __init__(self, source: str) -> None:
        self.source = source
        self.tokens = list(tokens(source))
        self.position = 0

    @property
    def token(self) -> Token:
        return self.tokens[self.position]

    def advance(self) -> Token:
        token = self.token
        if token.kind != "end":
            self.position += 1
        return token

    def take(self, *accepted: str) -> bool:
        """Step over the next token when it is one of these keywords, operators or marks."""
        token = self.token
        if token.keyword() in accepted or (token.kind not in ("word", "string", "end") and token.text in accepted):
            self.position += 1
            return True
        return False

    def error(self, expected: str) -> JqlError:
        got = f"got '{self.token.text}'" if self.token.kind != "end" else "the query ended"
        return JqlError(
            f"Error in the JQL Query: Expecting {expected} but {got}. {where(self.source, self.token.start)}"
        )

    def query(self) -> Query:
        at_order = self.token.keyword() == "ORDER"
        node = None if at_order or self.token.kind == "end" else self.either(0)
        order = self.order() if self.take("ORDER") else ()
        if self.token.kind != "end":
            raise self.error("either 'OR' or 'AND'" if not order else "','")
        return Query(node, order)

    def either(self, depth: int) -> Node:
        parts = [self.every(depth)]
        while self.take("OR", "||", "|"):
            parts.append(self.every(depth))
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def every(self, depth: int) -> Node:
        parts = [self.one(depth)]
        while self.take("AND", "&&", "&"):
            parts.append(self.one(depth))
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def one(self, depth: int) -> Node:
        if depth > MAX_DEPTH:
            raise JqlError(f"Error in the JQL Query: The query is nested more than {MAX_DEPTH} levels deep.")
        if self.take("NOT", "!"):
            return negate(self.one(depth + 1))
        if self.take("("):
            inner = self.either(depth + 1)
            if not self.take(")"):
                raise self.error("')'")
            return inner
        return self.clause()

    def field(self) -> str:
        token = self.token
        if token.kind not in ("word", "string"):
            raise self.error("a field name")
        if token.keyword() in _RESERVED_WORDS:
            raise JqlError(
                f"Error in the JQL Query: '{token.text}' is a reserved JQL word. You must surround it in quotation "
                f"marks to use it in a query. {where(self.source, token.start)}"
            )
        return self.advance().text

    def clause(self) -> Clause:
        field = self.field()
        operator = self.operator()
        if operator in ("IN", "NOT IN"):
            return Clause(field, operator, self.values())
        operand = self.operand()
        if operator in ("IS", "IS NOT") and not isinstance(operand, Empty):
            raise JqlError(
                f"Error in the JQL Query: The operator '{operator}' can only be used with 'EMPTY' or 'NULL'. "
                f"{where(self.source, self.token.start)}"
            )
        return Clause(field, operator, (operand,))

    def operator(self) -> str:
        if self.token.kind == "operator" and self.token.text in _COMPARISONS:
            return self.advance().text
        if self.take("IS"):
            return "IS NOT" if self.take("NOT") else "IS"
        if self.take("IN"):
            return "IN"
        if self.take("NOT"):
            if self.take("IN"):
                return "NOT IN"
            raise self.error("'IN'")
        got = f"but got '{self.token.text}'" if self.token.kind != "end" else "before the end of the query"
        place = where(self.source, self.token.start)
        raise JqlError(
            f"Error in the JQL Query: Expecting operator {got}. The valid operators are {_OPERATORS}. {place}"
        )

    def values(self) -> tuple[Operand, ...]:
        if not self.take("("):
            return (self.operand(),)  # `assignee IN membersOf(...)`: a function that stands for a list
        found = [self.operand()]
        while self.take(","):
            found.append(self.operand())
        if not self.take(")"):
            raise self.error("')' or ','")
        return tuple(found)

    def operand(self) -> Operand:
        token = self.token
        if token.kind not in ("word", "string"):
            raise self.error("either a value, list or function")
        if token.keyword() in _RESERVED_WORDS:
            raise JqlError(
                f"Error in the JQL Query: Expecting either a value, list or function but got '{token.text}'. You must "
                f"surround '{token.text}' in quotation marks to use it as a value. {where(self.source, token.start)}"
            )
        self.advance()
        if token.keyword() in ("EMPTY", "NULL"):
            return Empty()
        if self.take("("):
            return Function(token.text, self.arguments())
        return token.text

    def arguments(self) -> tuple[str, ...]:
        found: list[str] = []
        while not self.take(")"):
            if found and not self.take(","):
                raise self.error("')' or ','")
            if self.token.kind not in ("word", "string"):
                raise self.error("an argument")
            found.append(self.advance().text)
        return tuple(found)

    def order(self) -> tuple[Sort, ...]:
        if not self.take("BY"):
            raise self.error("'BY'")
        found = [self.sort()]
        while self.take(","):
            found.append(self.sort())
        return tuple(found)

    def sort(self) -> Sort:
        field = self.field()
        if self.take("DESC"):
            return Sort(field, descending=True)
        self.take("ASC")
        return Sort(field)
