"""The house keeps its shape: arrows point one way, every module says what it is for, every pin says why."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.tracked import tracked

ROOT = Path(__file__).resolve().parent.parent
PEERS = ROOT / "tests" / "peers"

ROOMS = ("common", "vault_client", "mcp_servers", "services", "mock_services", "app", "init", "stack", "benchmarks")
LIBRARY = "src/fastmcp_vault"


def imported_rooms(module: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield node.module.split(".")[0]
        elif isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)


def test_arrows_point_one_way() -> None:
    """The contracts in pyproject.toml: the library's layers, and that it knows nothing of the demo."""
    command = [Path(sys.executable).with_name("lint-imports")]
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_the_mock_apis_import_nothing_of_ours() -> None:
    """They stand for other companies' programs; the chatbot is one that uses our libraries."""
    modules = [module for module in tracked("mock_services/*.py") if "chatbot" not in module.parts]
    assert not [m for m in modules if set(imported_rooms(m)) & {*ROOMS, "fastmcp_vault"} - {"mock_services"}]


def test_provisioning_uses_only_the_admin_side_of_keycloak_and_vault() -> None:
    wrong = [
        f"{module.relative_to(ROOT)}: {name}"
        for module in tracked("init/*.py")
        for name in re.findall(
            r"^(?:from|import) ((?:fastmcp_vault\.(?:oidc|vault)|vault_client)[\w.]*)", module.read_text(), re.MULTILINE
        )
        if not name.endswith(".admin")
    ]
    assert not wrong


def test_what_serves_people_speaks_to_keycloak_without_its_administrator_s_library() -> None:
    wrong = [
        str(module.relative_to(ROOT))
        for room in (*ROOMS, LIBRARY)
        for module in tracked(f"{room}/*.py")
        if "keycloak" in imported_rooms(module) and module != ROOT / "init" / "keycloak_admin.py"
    ]
    assert not wrong


def test_no_server_believes_what_a_request_s_headers_say_of_its_connection() -> None:
    """uvicorn believes X-Forwarded-* of loopback unless told otherwise; Streamlit starts the app's own server."""
    started = [
        (f"{module.relative_to(ROOT)}:{node.lineno}", {keyword.arg for keyword in node.keywords})
        for room in ROOMS
        if room != "benchmarks"
        for module in tracked(f"{room}/*.py")
        for node in ast.walk(ast.parse(module.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("uvicorn.run", "uvicorn.Config")
    ]
    assert len(started) >= 5
    assert not [place for place, given in started if "proxy_headers" not in given]


def test_commands_print_through_the_one_function_that_shows_what_a_terminal_would_obey() -> None:
    """Most of what they print holds foreign text somewhere; the benchmarks print numbers of their own."""
    rooms = [LIBRARY, *(room for room in ROOMS if room != "benchmarks")]
    modules = [module for room in rooms for module in tracked(f"{room}/*.py")]
    assert not [
        f"{module.relative_to(ROOT)}:{node.lineno}"
        for module in modules
        for node in ast.walk(ast.parse(module.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
        if module != ROOT / "app" / "connect.py"  # the example that people copy
    ]


def test_a_class_is_found_by_its_name() -> None:
    """But for the results of tools: two back ends have issues, and the names stand in the tools' schemas."""
    places: dict[str, list[str]] = {}
    for module in tracked("*.py"):
        place = str(module.relative_to(ROOT))
        if not place.startswith(("tests/", "docs/")) and not place.endswith("_models.py"):
            classes = (node.name for node in ast.walk(ast.parse(module.read_text())) if isinstance(node, ast.ClassDef))
            for name in classes:
                places.setdefault(name, []).append(place)
    assert {name: where for name, where in places.items() if len(where) > 1 and not name.startswith("_")} == {}


@pytest.mark.parametrize("module", tracked("*.py"), ids=lambda p: str(p.relative_to(ROOT)))
def test_a_module_says_what_it_is_for_and_is_short_enough_to_read(module: Path) -> None:
    text = module.read_text()
    if not text.strip():
        return
    assert ast.get_docstring(ast.parse(text))
    assert len(text.splitlines()) <= 400


def test_every_direct_dependency_is_pinned_and_says_what_it_is_for() -> None:
    for source in (ROOT / "requirements.in", ROOT / "requirements-dev.in", PEERS / "requirements.in"):
        before = ""
        for line in source.read_text().splitlines():
            if line and not line.startswith(("#", "-")):
                assert "==" in line, line
                assert before, f"{line}: no purpose"
            before = line if line.startswith("#") else (before if line else "")


def test_every_locked_dependency_carries_hashes() -> None:
    for lock in (ROOT / "requirements.txt", ROOT / "requirements-dev.txt", PEERS / "requirements.txt"):
        blocks = re.split(r"\n(?=[a-z0-9])", lock.read_text())
        pins = [block for block in blocks if re.match(r"[a-z0-9_.\[\],-]+==", block)]
        assert len(pins) > 50
        assert not [pin.splitlines()[0] for pin in pins if "--hash=sha256:" not in pin]
    packages = json.loads((PEERS / "package-lock.json").read_text())["packages"]
    assert packages.pop("")["dependencies"] == json.loads((PEERS / "package.json").read_text())["dependencies"]
    assert not [name for name, package in packages.items() if "integrity" not in package or "resolved" in package]
