"""The Agents page, in a browser: an agent proves its certificate, its token opens what it may, until it is revoked."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.support.browser import Visitor
from tests.support.people import Person


def test_an_agent_gets_a_token_uses_it_and_loses_it(
    visitor: Callable[[], Visitor], person: Person, tmp_path: Path
) -> None:
    me = visitor()
    me.sign_in(person, "/agents")

    def press(name: str, then: str) -> None:
        me.page.get_by_role("button", name=name).click()
        me.sees(then)
        me.settled()

    def choose(name: str) -> None:
        me.page.get_by_text(name, exact=True).click()
        me.settled()

    def traced() -> dict[str, Any]:
        with me.page.expect_download() as download:
            me.page.get_by_role("button", name="JSON", exact=True).click()
        download.value.save_as(tmp_path / "trace.json")
        return {step["kind"]: step for step in json.loads((tmp_path / "trace.json").read_text())["steps"]}

    press("Get a token", f"{person.username}:worker has a token for agent:commands agent:results")
    steps = traced()
    assert steps["mutual-tls"]["detail"]["protocol"].startswith("TLSv1.")
    assert steps["mutual-tls"]["started_at"] <= steps["agent-token"]["exchanges"][0]["started_at"]
    assert steps["agent-token"]["detail"]["claims"]["sub"] == f"{person.username}:worker"
    assert "PRIVATE KEY" not in (tmp_path / "trace.json").read_text()

    press("Give a command", "insufficient_scope")
    choose("Dispatcher")
    press("Get a token", f"{person.username}:dispatcher has a token for agent:dispatch")
    assert traced()["person-login"]["status"] == "reused"
    press("Give a command", "/api/commands answered 201")
    choose("Worker")
    press("Fetch commands", "/api/commands answered 200")
    press("Report on a command", "/api/results answered 200")
    press("Report on a command", "already_finished")

    choose("TLS, without it")
    press("Who am I", "certificate_required")
    choose("With the certificate")
    press("Who am I", "/api/whoami answered 200")
    press("Revoke the token", "The token is revoked.")
    press("Who am I", "token_revoked")
