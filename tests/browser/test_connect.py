"""The Connect page in a browser: what is printed there can be copied, and the program runs as it is printed."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import expect

from stack.layout import ROOT
from stack.testing import Stack
from tests.support.browser import PATIENCE, Visitor
from tests.support.people import Person


def test_what_is_printed_is_copied_and_the_program_runs_as_printed(
    visitor: Callable[[], Visitor], stack: Stack, person: Person, tmp_path: Path
) -> None:
    me = visitor()
    me.context.grant_permissions(["clipboard-read", "clipboard-write"])
    me.open("/connect")
    me.page.get_by_role("tab", name="VS Code").click()
    servers = json.loads(copied(me, '"servers"'))["servers"]
    assert {entry["url"] for entry in servers.values()} == {
        f"{stack.url(f'mcp-{server}')}/mcp" for server in ("jira", "github", "postgres")
    }
    me.page.get_by_role("tab", name="Python").click()
    script = tmp_path / "printed.py"
    script.write_text(copied(me, "import asyncio"))
    answer = run(script, person)
    assert answer["key"] == "PROJ-1"

    me.page.get_by_text("PostgreSQL", exact=True).first.click()
    me.settled()
    script.write_text(copied(me, "list_tables"))
    assert "orders" in str(run(script, person))


def copied(me: Visitor, holding: str) -> str:
    """The block with these words, by its own copy button."""
    code = me.page.get_by_test_id("stCode").filter(has_text=holding, visible=True)
    expect(code).to_have_count(1, timeout=PATIENCE)
    code.hover()
    code.get_by_role("button").first.click()
    text = me.page.evaluate("() => navigator.clipboard.readText()")
    assert holding in text
    return str(text)


def run(script: Path, person: Person) -> dict[str, object]:
    """What the program prints, with a browser in which ``person`` signs in and agrees."""
    browser = f"{sys.executable} -m tests.support.agreeing %s &"
    environment = {**os.environ, "BROWSER": browser, "PERSON": person.username, "PASSWORD": person.password}
    done = subprocess.run(
        [sys.executable, str(script)],
        cwd=ROOT,
        env=environment | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    printed = ast.literal_eval(done.stdout.strip().splitlines()[-1])
    assert isinstance(printed, dict)
    return printed
