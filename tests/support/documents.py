"""The code blocks of a document, so that what people copy is what the tests run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from stack.layout import ROOT

_BLOCK = re.compile(r"(?:^<!-- ([^\n]*) -->\n)?^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)

SHELL = ("console", "sh", "bash")


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block. ``note``: the comment on the line before it, which no reader sees."""

    language: str
    body: str
    note: str = ""


def all_blocks(document: str) -> Iterator[Block]:
    """Every fenced block of a document of the repository, in order."""
    for note, language, body in _BLOCK.findall((ROOT / document).read_text()):
        yield Block(language, body, note)


def blocks(document: str, language: str) -> list[str]:
    """The blocks of one language, in order."""
    return [block.body for block in all_blocks(document) if block.language == language]


def block(document: str, name: str) -> str:
    """The block whose first line is a comment with the file name ``name``."""
    found = [block.body for block in all_blocks(document) if block.body.split("\n")[0].endswith(name)]
    assert len(found) == 1, f"{document} has {len(found)} blocks named {name}"
    return found[0]


def module(document: str, name: str) -> ModuleType:
    """A Python block of that name, imported."""
    made = ModuleType(Path(name).stem)
    exec(compile(block(document, name), f"{document}:{name}", "exec"), made.__dict__)
    return made
