"""Pages with the look-up and the actions replaced: what a page shows for what it is given."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from app import session
from app.process import AppProcess
from app.providers import Providers
from app.rules import Policy, ServerRules
from app.session import Person, Visit

FRAME = Path(__file__).resolve().parents[2] / "app" / "pages" / "frame.py"

ALICE = Person(username="alice", email="alice@example.com", sub="1a2b-3c", sid="s-1", signed_in_at=1_790_000_000.0)


class Straight:
    """Stands where the loop stands: an action under test is a value, or an error to raise, and no coroutine."""

    def run(self, value: Any, *, timeout: float) -> Any:
        """``value``, at once."""
        assert timeout > 0
        if isinstance(value, Exception):
            raise value
        return value

    def stream(self, values: Any, *, timeout: float) -> Iterator[Any]:
        """Each of ``values``, one after the other."""
        return iter(self.run(values, timeout=timeout))


def server_rules(server: str) -> ServerRules:
    """What Vault would say of a server: one line of policy, with the person's name to be filled in."""
    line = f'# purpose\npath "secret/data/users/{{{{identity.entity.name}}}}/{server}" {{ capabilities = ["read"] }}\n'
    policies = (Policy(f"mcp-{server}", line), Policy("default", 'path "sys/x" { capabilities = ["read"] }'))
    claims = {"azp": f"mcp-{server}"}
    return ServerRules(f"mcp-{server}", ("vault",), claims, policies, Policy("user-secrets", ""), 1_790_000_000.0)


@pytest.fixture
def looked_up(monkeypatch: pytest.MonkeyPatch) -> Callable[[Visit], None]:
    """Decides who is looking at the page from now on."""
    rules = SimpleNamespace(of=lambda servers: {server: server_rules(server) for server in servers})
    running = SimpleNamespace(
        loop=Straight(),
        rules=rules,
        settings=SimpleNamespace(profile="none", lab_users_file=None, app_public_url="http://localhost:8501"),
        providers=Providers({}),
    )
    monkeypatch.setattr(AppProcess, "current", classmethod(lambda cls: running))

    def set_visit(visit: Visit) -> None:
        monkeypatch.setattr(session, "current", lambda: visit)

    # Nobody has typed anything before.
    monkeypatch.setattr("app.drafts.keep", lambda process, sub, typed: False)
    monkeypatch.setattr("app.drafts.take", lambda process, sub: {})
    set_visit(Visit())
    return set_visit


@pytest.fixture
def app(looked_up: Callable[[Visit], None], monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """The app from its frame, nobody signed in, every part up."""
    monkeypatch.setattr("app.health.parts", lambda process: [])
    return AppTest.from_file(str(FRAME), default_timeout=20)


@pytest.fixture
def tools(app: AppTest, looked_up: Callable[[Visit], None]) -> AppTest:
    """The MCP tools page, alice looking at it."""
    looked_up(Visit(person=ALICE, cookie="opaque"))
    app.run()
    return app.switch_page(str(FRAME.parent / "mcp_tools.py")).run()
