"""What the Connect page gives to copy is what each client documents, with this instance's addresses and no secret."""

from __future__ import annotations

import ast
import json
import shlex
from collections.abc import Callable
from types import SimpleNamespace

import pytest
from streamlit.testing.v1 import AppTest

from app.connect import CLIENTS, forms
from app.process import AppProcess
from app.session import Visit
from app.settings import AppSettings
from app.texts import t
from common.servers import MCP_SERVERS
from tests.support.documents import blocks

URLS = {server: f"http://localhost:4{number}/mcp" for number, server in enumerate(MCP_SERVERS)}
NAMES = {f"vault-{server}": url for server, url in URLS.items()}


def test_files_have_the_form_that_their_client_documents() -> None:
    (code,) = (f for f in forms("claude-code", "jira", URLS) if f.language == "json")
    (vscode,) = forms("vscode", "jira", URLS)
    for text, root in ((code.text, "mcpServers"), (vscode.text, "servers")):
        assert json.loads(text) == {root: {name: {"type": "http", "url": url} for name, url in NAMES.items()}}
    (desktop,) = forms("claude-desktop", "jira", URLS)
    servers = json.loads(desktop.text)["mcpServers"]
    assert {name: entry["args"][-1] for name, entry in servers.items()} == NAMES
    # The file of Claude Desktop takes programs only, each with `command` and `args`.
    assert all(entry.keys() == {"command", "args"} for entry in servers.values())


@pytest.mark.parametrize("server", MCP_SERVERS)
def test_commands_and_programs_name_the_chosen_server(server: str) -> None:
    for client in CLIENTS:
        for form in forms(client, server, URLS):
            assert URLS[server] in form.text
            if form.language == "bash":
                assert shlex.split(form.text).count(URLS[server]) == 1
            if form.language == "python":
                ast.parse(form.text)


def test_the_page_needs_nobody_and_shows_the_settings_addresses(
    app: AppTest, looked_up: Callable[[Visit], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_up(Visit())
    settings = AppSettings(mcp_jira_url="https://jira.tools.example/mcp")
    monkeypatch.setattr(AppProcess, "current", classmethod(lambda cls: SimpleNamespace(settings=settings)))
    app.switch_page("connect.py").run()
    assert not app.exception
    shown = [code.value for code in app.code]
    assert len(shown) == sum(len(forms(client, "jira", URLS)) for client in CLIENTS)
    assert all("https://jira.tools.example/mcp" in text for text in shown)
    app.segmented_control(key="arg.connect.server").set_value("postgres").run()
    assert any(settings.mcp_url("postgres") in code.value and "list_tables" in code.value for code in app.code)


def test_in_a_room_the_page_says_that_browsers_alone_are_let_in(
    app: AppTest, looked_up: Callable[[Visit], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_up(Visit())
    for public, said in (("https://workshop.local:4443", 1), ("http://localhost:8501", 0)):
        settings = AppSettings(app_public_url=public)
        current = classmethod(lambda cls, of=settings: SimpleNamespace(settings=of))
        monkeypatch.setattr(AppProcess, "current", current)
        app.switch_page("connect.py").run()
        assert [info.value for info in app.info] == [t("connect.browsers-only")] * said


def test_the_document_prints_what_the_page_prints() -> None:
    settings = AppSettings()
    usual = {server: settings.mcp_url(server) for server in MCP_SERVERS}
    for client in CLIENTS:
        for form in forms(client, "jira", usual):
            assert form.text.strip() in [body.strip() for body in blocks("docs/CONNECT.md", form.language)], form.name
