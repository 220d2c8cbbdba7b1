"""Text from elsewhere in log lines and on terminals: characters that would act there are shown instead."""

from __future__ import annotations

import sys
from typing import TextIO


def printable(text: str, *, keep: str = "") -> str:
    """``text`` with every character that is not printable written as its escape: ``\\x1b``, ``\\n``, ``\\u202e``.

    These are controls and line ends (ECMA-48 and OSC sequences begin with one), bidirectional and other format
    characters (Unicode UAX #9), separators other than the space, lone surrogates, and unassigned code points.
    Characters in ``keep`` stay: ``"\\n"`` for a traceback of our own. Cut and mask foreign text before.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in keep else c.encode("unicode_escape").decode() for c in text)


def show(*lines: object, file: TextIO | None = None) -> None:
    """Print each of ``lines`` as one line, whatever it holds: a line end inside it cannot begin another line."""
    out = sys.stdout if file is None else file
    out.write("".join(f"{printable(str(line))}\n" for line in lines))
    out.flush()
