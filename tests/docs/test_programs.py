"""The documents' programs compile, and what they import from this project is there."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from tests.support.tracked import ROOT, tracked

OURS = {"app", "common", "fastmcp_vault", "init", "mcp_servers", "services", "stack", "vault_client"}


def imports(document: Path) -> Iterator[tuple[str, str]]:
    for block in re.findall(r"```python\n(.*?)```", document.read_text(), re.DOTALL):
        compile(block, str(document), "exec")
        parsed = ast.parse(block)
        for node in ast.walk(parsed):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] in OURS:
                yield from ((node.module, alias.name) for alias in node.names)


@pytest.mark.parametrize("document", tracked("*.md"), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_program_compiles_and_what_it_imports_is_there(document: Path) -> None:
    for module, name in imports(document):
        if not hasattr(import_module(module), name):
            import_module(f"{module}.{name}")
