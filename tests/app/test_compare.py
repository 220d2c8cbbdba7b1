"""What two people see of each other's traces: who they are to each server, what differs, and no message's contents."""

from __future__ import annotations

from typing import Any

from app import compare
from app.sharing import RESULT_LIMIT, call_of, shared
from fastmcp_vault.tracing import Exchange, Step, Trace
from tests.app.test_flow import T0


def one(name: str, result: Any = None, *, missing: bool = False) -> Any:
    token = {"sub": f"id-{name}", "preferred_username": name, "azp": "mcp-demo-app", "jti": name, "exp": T0}
    exchange = Exchange(
        method="GET",
        url="http://vault/x",
        started_at=T0,
        status=200,
        request_headers={"X-Header": "h"},
        request_body="a body",
        response_body="an answer",
    )
    credential = Step(
        kind="credential",
        server="jira",
        started_at=T0,
        status="failed" if missing else "done",
        error="There is none." if missing else "",
        detail={"vault_path": f"secret/data/users/{name}/jira"},
        exchanges=[exchange],
    )
    steps = [
        Step(kind="jwt", started_at=T0, detail={"claims": token}),
        Step(kind="entity", server="jira", started_at=T0, detail={"entity": name}),
        credential,
    ]
    trace = Trace(id="t", action="x", started_at=T0, steps=steps)
    return shared(name, trace, {"jira": {"username": name, "email": f"{name}@example.com"}, "github": None}, result)


def test_the_same_call_has_the_same_name_for_everybody() -> None:
    assert call_of(["jira", "github"], "") == call_of(["github", "jira"], "") == "load:github,jira"
    assert call_of(["jira"], "get_issue") == "execute:jira.get_issue"


def test_messages_keep_their_contents_and_a_huge_result_stays_at_home() -> None:
    handed = one("alice", {"rows": [{"x": "y" * RESULT_LIMIT}]}).model_dump_json()
    for kept in ("a body", "an answer", "X-Header", "yyyy"):
        assert kept not in handed
    assert "http://vault/x" in handed


def test_people_claims_and_steps_stand_beside_each_other() -> None:
    alice, bob = one("alice"), one("bob", missing=True)
    lines = {line.what: line for line in compare.people(alice, bob)}
    assert (lines["Jira · Entity"].mine, lines["Jira · Entity"].theirs) == ("alice", "bob")
    assert lines["Jira · Vault path"].theirs == "secret/data/users/bob/jira"
    claims = {line.what: line.same for line in compare.claims(alice, bob)}
    assert claims == {"sub": False, "preferred_username": False, "azp": True}
    ends = {line.what: line for line in compare.steps(alice, bob)}
    assert ends["2 · Check the access token"].same
    assert ends["6 · Read this person's credential · Jira"].theirs == "failed — There is none."


def test_rows_are_marked_with_whose_they_are() -> None:
    alice = one("alice", {"rows": [{"id": 1}, {"id": 2}], "count": 2})
    bob = one("bob", {"rows": [{"id": 2}, {"id": 3}], "count": 2})
    (table,) = compare.rows(alice, bob)
    assert table.rows == [({"id": 1}, True, False), ({"id": 2}, True, True), ({"id": 3}, False, True)]
    assert [(line.what, line.same) for line in compare.facts(alice, bob)] == [("count", True)]
