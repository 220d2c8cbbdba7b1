"""The reasons beside a trace's steps: made of what was recorded, and of what Vault's rules say; never of less."""

from __future__ import annotations

from typing import Any

import pytest

from app.claims import clock
from app.flow.reasons import Reason, instead, kept, reason, reuse
from app.flow.rule import Rulebook, capture, rule
from app.proof import Proof
from app.rules import Policy
from app.texts import speaking
from fastmcp_vault.errors import VaultUnavailable
from fastmcp_vault.tracing import STEPS, Exchange, Step, Trace
from tests.app.conftest import server_rules

T0 = 1_790_000_000.0
PATH = "secret/data/users/alice/jira"
CLAIMS = {"iss": "http://kc/realms/r", "sub": "8db0", "azp": "mcp-demo-app", "preferred_username": "alice"}
RECEIVED = {**CLAIMS, "aud": "mcp-jira", "scope": "mcp:jira", "iat": T0, "exp": T0 + 300}
TRADED = {**RECEIVED, "aud": ["vault"], "azp": "mcp-jira"}


def step(kind: str, server: str = "jira", **more: Any) -> Step:
    return Step(kind=kind, server=server, started_at=T0, **more)


def call() -> Trace:
    return Trace(
        id="t-1",
        action="Load tools",
        started_at=T0,
        steps=[
            step("bearer-check", detail={"claims": RECEIVED}),
            step("token-exchange", detail={"claims": TRADED}),
            step("vault-login", until=T0 + 900, detail={"role": "mcp-jira", "policies": ["default", "mcp-jira"]}),
            step("entity", detail={"user_id": "8db0", "entity": "alice", "entity_id": "f631"}),
            step("credential", detail={"vault_path": PATH, "version": 3, "written_at": T0 - 60}),
        ],
    )


def test_what_was_checked_by_whom_on_which_value_and_what_came_out() -> None:
    trace = call()
    check, exchange, login, entity, credential = (reason(one, trace) for one in trace.steps)
    assert check.checked == (
        "Jira MCP server checked the signature, `aud` = `mcp-jira` (itself), `iss` = `http://kc/realms/r`, the kind "
        "of token, the time, that the scope `mcp:jira` holds `mcp:jira`, and that the session is not in the list of "
        "ended sessions: the app writes each sign-out into it, and every server hears of it at once."
    )
    assert check.out == "the caller is alice, user `8db0`."
    assert exchange.checked == "Keycloak checked: `mcp-jira` may exchange a token meant for it (`aud` = `mcp-jira`)."
    assert exchange.out == "a token for `vault` only, 5 min."
    assert exchange.stops.startswith("The received token (for `mcp-jira`) stops here.")
    assert "`aud` = `vault` and `azp` = `mcp-jira`: its role `mcp-jira` demands both" in login.checked
    assert login.out == "a Vault token with the policies `default`, `mcp-jira`, 15 min unless renewed."
    assert "`8db0`" in entity.checked
    assert "`f631`, named `alice`" in entity.out
    assert credential.checked == f"Vault checked that the policy opens `{PATH}` to the entity `alice`."
    assert credential.out == (
        f"a stored secret, version 3, written {clock(T0 - 60)}; it stays until somebody changes it, and the server "
        "keeps it as long as its login at Vault."
    )


def test_a_credential_made_on_demand_says_when_it_is_dropped() -> None:
    made = {"vault_path": "database/creds/alice", "database_user": "v-alice-x", "made_at": T0}
    trace = Trace(
        id="t", action="x", started_at=T0, steps=[step("credential", "postgres", until=T0 + 600, detail=made)]
    )
    assert reason(trace.steps[0], trace).out == (
        f"a PostgreSQL user `v-alice-x`, made for this person {clock(T0)}, dropped {clock(T0 + 600)} unless renewed."
    )


def test_a_path_that_opened_and_held_nothing_is_told_from_a_refusal() -> None:
    for status, said in ((404, "it does, and nothing is stored there (404)"), (403, "")):
        trace = call()
        asked = Exchange(method="GET", url=f"http://localhost:8200/v1/{PATH}", started_at=T0, status=status)
        trace.steps[4] = step("credential", status="failed", exchanges=[asked])
        assert said in reason(trace.steps[4], trace).checked
        assert bool(said) == bool(reason(trace.steps[4], trace).checked)


def kept_call() -> Trace:
    trace = call()
    confirmed = {"confirmed_at": T0 - 2, "confirmed_every": 5.0}
    for at, until in ((1, T0 + 700), (2, T0 + 700), (4, T0 + 500)):
        one = trace.steps[at]
        trace.steps[at] = step(one.kind, status="reused", since=T0 - 9, until=until, detail=one.detail | confirmed)
    trace.steps[0].detail["claims"] = {**RECEIVED, "sid": "s-1"}
    return trace


def test_why_it_is_safe_to_use_again_what_was_kept_is_said_as_a_whole_where_something_was_kept() -> None:
    found = reuse(kept_call(), "jira")
    assert found is not None
    assert found["lines"] == [
        "It is nobody else's: Jira MCP server keeps it for the user `8db0` (alice) in the sign-in `s-1`, and finds it "
        "by these two ids in the token that was sent with this call.",
        "That token was checked anew in this call (step 3), as in every call.",
        f"Vault confirmed {clock(T0 - 2)} that version 3 is still the newest. It is asked again before that is 5 s "
        "old, in a call (6a) or beside one, so what an administrator changes or takes away in Vault is noticed by "
        "then.",
        f"It ends {clock(T0 + 500)} unless it is renewed, and at once when you sign out: then the server revokes the "
        "Vault token, and with it what was made with it.",
    ]
    assert reuse(call(), "jira") is None
    made = kept_call()
    made.steps[4].detail = {"confirmed_at": T0 - 2, "confirmed_every": 5.0, "database_user": "v-alice-x"}
    assert (reuse(made, "jira") or {})["lines"][2].startswith(
        f"Vault confirmed {clock(T0 - 2)} that its token lives, and with the token the database user `v-alice-x`."
    )
    assert reuse(kept_call(), "github") is None


def test_a_token_that_a_login_was_made_with_does_not_get_the_login_s_end() -> None:
    exchange, login = (kept(one) for one in kept_call().steps[1:3])
    assert exchange is not None
    assert login is not None
    assert (exchange["until"], exchange["at"]) == (None, "")
    assert login["until"] == T0 + 700
    trace = kept_call()
    assert reason(trace.steps[1], trace) == Reason(), "nothing comes out of it in this call"
    ahead = step("vault-login", status="reused", since=T0, until=T0 + 700, detail={"made_ahead": True})
    assert (kept(ahead) or {})["again"].startswith("Made ahead, when a client listed the tools.")


@pytest.mark.parametrize("kind", STEPS)
def test_nothing_is_said_of_what_was_not_recorded(kind: str) -> None:
    bare = Trace(id="t", action="x", started_at=T0, steps=[step(kind)])
    for code in ("en", "ko"):
        with speaking(code):
            found = reason(bare.steps[0], bare)
        assert "None" not in f"{found}"
        assert "``" not in f"{found}"
        assert found.stops == ""
    for status in ("failed", "skipped"):
        other = Trace(id="t", action="x", started_at=T0, steps=[step(kind, status=status)])
        assert reason(other.steps[0], other) == Reason()


def test_a_skipped_step_says_why() -> None:
    silent = step("backend", status="skipped", code="silent", sentence="credential_status does not call the back end.")
    other = step("backend", status="skipped", sentence="Something else.")
    trace = Trace(id="t", action="x", started_at=T0, steps=[silent, other])
    assert instead(silent, trace).startswith("not needed: whose credential is used was the question")
    assert instead(other, trace) == "Something else."


def test_the_line_that_decides_is_shown_as_written_filled_in_and_for_somebody_else() -> None:
    trace, rules = call(), server_rules("jira")
    found = rule(trace.steps[4], trace, Rulebook({"jira": rules}, "bob"))
    assert found is not None
    (mine,) = found["lines"]
    assert mine["written"] == ('path "secret/data/users/{{identity.entity.name}}/jira" { capabilities = ["read"] }')
    assert (mine["filled"], found["attempt"]["filled"]) == (PATH, "secret/data/users/bob/jira")
    assert found["source"].startswith("Policy `mcp-jira`, read from Vault ")
    assert (found["attempt"]["proof"], found["attempt"]["open"]) == (None, True)

    answered = Proof(
        "secret/data/users/bob/jira", 403, "permission denied", T0, Trace(id="c-1", action="", started_at=T0)
    )
    proof = rule(trace.steps[4], trace, Rulebook({"jira": rules}, "bob", {"jira": answered}))["attempt"]["proof"]  # type: ignore[index]
    assert proof["verdict"] == "Vault answered 403 to `secret/data/users/bob/jira`: permission denied"
    assert "`c-1`" in proof["about"]


def test_the_path_that_was_refused_is_taken_from_the_request() -> None:
    trace, sent = call(), Exchange(method="GET", url=f"http://vault/v1/{PATH}", started_at=T0, status=404)
    trace.steps[4] = step("credential", status="failed", error="There is none.", exchanges=[sent])
    found = rule(trace.steps[4], trace, Rulebook({"jira": server_rules("jira")}))
    assert found is not None
    assert found["lines"][0]["filled"] == PATH


def test_the_login_shows_what_the_role_demands_and_other_steps_show_no_rule() -> None:
    trace, book = call(), Rulebook({"jira": server_rules("jira")})
    found = rule(trace.steps[2], trace, book)
    assert found is not None
    assert [line["written"] for line in found["lines"]] == ["bound_audiences = vault", "bound_claims.azp = mcp-jira"]
    assert rule(trace.steps[0], trace, book) is None
    assert rule(trace.steps[2], trace, Rulebook()) is None


def test_rules_that_cannot_be_read_are_said_to_be_so() -> None:
    trace, book = call(), Rulebook({"jira": VaultUnavailable("Vault is away.")})
    found = rule(trace.steps[4], trace, book)
    assert found == {"source": "Vault's rule cannot be shown: Vault is away.", "lines": [], "text": ""}
    assert capture("jira", trace, book) is None


def test_what_a_captured_server_could_use_is_counted_from_its_policies() -> None:
    rules = server_rules("jira")
    found = capture("jira", call(), Rulebook({"jira": rules}))
    assert found is not None
    personal, rest = found["lines"]
    assert "`secret/data/users/<caller>/jira` (read)" in personal
    assert f"`{PATH}`" in personal
    assert rest == "and nothing of anybody who does not call it"

    wide = Policy("mcp-jira", 'path "secret/data/users/*" { capabilities = ["read", "list"] }')
    found = capture("jira", call(), Rulebook({"jira": type(rules)(**{**_fields(rules), "policies": (wide,)})}))
    assert found is not None
    assert found["lines"] == [
        "`secret/data/users/*` (read, list), whoever calls it",
        "1 of these without anybody calling it",
    ]


def test_a_default_policy_that_was_opened_wide_is_counted_too() -> None:
    rules = server_rules("jira")
    wide = Policy("default", 'path "sys/x" { capabilities = ["read"] }\npath "secret/*" { capabilities = ["read"] }')
    opened = type(rules)(**{**_fields(rules), "policies": (rules.policies[0], wide)})
    found = capture("jira", call(), Rulebook({"jira": opened}))
    assert found is not None
    assert found["lines"][1:] == ["`secret/*` (read), whoever calls it", "1 of these without anybody calling it"]


def _fields(rules: Any) -> dict[str, Any]:
    return {name: getattr(rules, name) for name in rules.__dataclass_fields__}


def test_a_line_covers_what_vault_would_let_it_cover() -> None:
    text = """# path "a" { capabilities = ["read"] } is a comment
path "secret/data/users/{{identity.entity.name}}/*" {
  capabilities = ["read", "list"]
}
path "sys/+/x" { capabilities = ["update"] }
"""
    mine, one = Policy("p", text).lines
    assert mine.covers(PATH, "alice")
    assert not mine.covers(PATH, "bob")
    assert not mine.covers("secret/data/users/alice", "alice")
    assert one.covers("sys/a/x", "alice")
    assert not one.covers("sys/a/b/x", "alice")
    assert (mine.personal, one.personal) == (True, False)
