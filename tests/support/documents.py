"""The code blocks of a document, so that what people copy is what the tests run."""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType

from stack.layout import ROOT

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(document: str, language: str) -> list[str]:
    """The blocks of one language in a document of the repository, in order."""
    return [body for name, body in _BLOCK.findall((ROOT / document).read_text()) if name == language]


def block(document: str, name: str) -> str:
    """The block whose first line is a comment with the file name ``name``."""
    found = [body for _, body in _BLOCK.findall((ROOT / document).read_text()) if body.split("\n")[0].endswith(name)]
    assert len(found) == 1, f"{document} has {len(found)} blocks named {name}"
    return found[0]


def module(document: str, name: str) -> ModuleType:
    """A Python block of that name, imported."""
    made = ModuleType(Path(name).stem)
    exec(compile(block(document, name), f"{document}:{name}", "exec"), made.__dict__)
    return made
