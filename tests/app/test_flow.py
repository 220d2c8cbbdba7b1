"""What the trace's drawing is made of: one arrow per message, times on one line, tokens beside each other."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.claims import clock
from app.flow import hops
from app.flow.arrows import arrows, short
from app.flow.details import details
from app.flow.drawing import drawing
from app.flow.standards import linked
from app.texts import speaking
from common.advice import ADVICE
from fastmcp_vault.errors import VaultUnavailable
from fastmcp_vault.sentences import Sentence
from fastmcp_vault.tracing import STEPS, Exchange, Recorder, Step, Trace

T0 = 1_790_000_000.0


def exchange(
    at: float, ms: float, *, url: str = "http://vault:8200/v1/x", status: int = 200, body: str = ""
) -> Exchange:
    return Exchange(
        method="POST", url=url, started_at=T0 + at, duration_ms=ms, status=status, request_body=body, error=""
    )


def called(name: str) -> str:
    return json.dumps({"method": "tools/call", "params": {"name": name}})


def claims(**more: object) -> dict[str, object]:
    return {"claims": {"sub": "1", "exp": T0 + 300, **more}}


def loading() -> Trace:
    login = Step(
        kind="login",
        status="reused",
        since=T0 - 60,
        started_at=T0 - 60,
        detail={
            "browser_was_sent_to": "http://kc/realms/r/protocol/openid-connect/auth?x=1",
            "scope_granted": "openid",
        },
        exchanges=[exchange(-60, 20)],
    )
    return Trace(
        id="t-1",
        action="Load tools",
        started_at=T0,
        steps=[
            login,
            Step(kind="jwt", started_at=T0, duration_ms=0.4, detail=claims(azp="mcp-demo-app")),
            Step(
                kind="server-token",
                server="jira",
                status="reused",
                since=T0 - 9,
                started_at=T0,
                detail=claims(aud="mcp-jira", azp="mcp-demo-app"),
            ),
            Step(
                kind="mcp-request",
                server="jira",
                started_at=T0,
                duration_ms=100,
                exchanges=[exchange(0, 90, body=called("get_issue"))],
            ),
            Step(kind="bearer-check", server="jira", started_at=T0 + 0.01, duration_ms=0.2),
            Step(
                kind="credential",
                server="jira",
                started_at=T0 + 0.02,
                duration_ms=5,
                status="failed",
                error="There is none.",
                exchanges=[exchange(0.02, 4, status=404)],
            ),
            Step(kind="backend", server="jira", started_at=T0 + 0.03, status="skipped"),
        ],
    )


def parts_of(trace: Trace, server: str) -> list[dict[str, Any]]:
    (group,) = [one for one in drawing(trace, {}, {}, now=T0)["groups"] if one["server"] == server]
    return [part for block in group["blocks"] for part in block["parts"]]


def test_each_real_message_is_one_arrow_in_time_order() -> None:
    found = arrows(loading())
    own = [(a.label, a.source, a.target, a.ms) for a in found[""]]
    assert own == [("GET …/auth", 0, 2, None), ("POST /v1/x", 1, 2, 20), ("", 1, 1, 0.4)]
    assert [(a.shape, a.label) for a in found["jira"]] == [
        ("call", ""),
        ("call", "tools/call get_issue"),
        ("self", ""),
        ("call", "POST /v1/x"),
        ("call", ""),
    ]


def test_a_block_holds_what_has_one_number_and_every_answer_stands_in_its_own_call() -> None:
    trace = loading()
    blocks = drawing(trace, {}, {}, now=T0)["groups"][1]["blocks"]
    labels = [(block["number"], [part["label"] for part in block["parts"]]) for block in blocks]
    assert labels == [(3, ["3a", "3b", "3c"]), (6, ["6"]), (7, ["7"])]
    assert [bool(block["title"]) for block in blocks] == [True, False, False]
    (call,) = parts_of(trace, "jira")[1]["rows"]
    assert (call["label"], call["note"], call["answered"]) == ("tools/call get_issue", "HTTP 200 · 90 ms", True)


def test_a_chat_that_goes_on_keeps_the_order_of_time_and_a_number_comes_again() -> None:
    kinds = ("chat-secret", "chat-refresh", "chat-tool", "chat-secret", "chat-refresh")
    steps = [Step(kind=kind, started_at=T0 + n) for n, kind in enumerate(kinds)]
    (group,) = drawing(Trace(id="t", action="x", started_at=T0, steps=steps), {}, {}, now=T0)["groups"]
    assert [[part["label"] for part in block["parts"]] for block in group["blocks"]] == [
        ["6a", "6b"],
        ["7"],
        ["6a", "6b"],
    ]


def test_what_is_reused_has_no_arrow_and_says_since_when_until_when_and_where_it_is_checked_again() -> None:
    trace = loading()
    trace.steps[2].until = T0 + 200
    kept = parts_of(trace, "jira")[0]
    assert (kept["status"], kept["rows"]) == ("reused", [])
    assert kept["kept"]["since"] == f"kept since {clock(T0 - 9)}"
    assert kept["kept"]["at"] == f"until {clock(T0 + 200)}"
    assert kept["kept"]["until"] == T0 + 200
    assert kept["kept"]["again"] == "Ends with sign-out. The server checks it again at step 3, on every call."


def test_parts_say_status_time_and_reason_and_only_the_failing_message_is_red() -> None:
    trace = loading()
    trace.steps[5].exchanges.insert(0, exchange(0.019, 1))
    login, jwt = parts_of(trace, "")
    assert (login["label"], jwt["label"], jwt["rows"][0]["note"]) == ("1", "2", "<1 ms")
    *_, credential, backend = parts_of(trace, "jira")
    assert [(row["status"], row["note"]) for row in credential["rows"]] == [
        ("done", "HTTP 200 · 1 ms"),
        ("failed", "HTTP 404 · 4 ms"),
    ]
    assert credential["instead"] == "There is none."
    assert (backend["status"], backend["rows"][0]["note"]) == ("skipped", "")
    assert backend["instead"] == "not reached, because step 6 failed: Read this person's credential"


def test_every_kind_of_step_can_be_drawn() -> None:
    for kind, about in STEPS.items():
        (group, *_) = drawing(
            Trace(id="t", action="x", started_at=T0, steps=[Step(kind=kind, started_at=T0)]), {}, {}, now=T0
        )["groups"]
        (part,) = group["blocks"][0]["parts"]
        (row,) = part["rows"]
        assert (row["from"] == row["to"]) is (about.source == about.target), kind
        assert max(row["from"], row["to"]) < len(group["lanes"])


def test_the_waterfall_stays_within_its_line_and_marks_what_came_before() -> None:
    fall = drawing(loading(), {}, {}, now=T0)["waterfall"]
    assert fall["total"] == 100
    assert all(0 <= row["left"] <= row["left"] + row["width"] <= 100 for row in fall["rows"])
    first = fall["rows"][0]
    assert (first["earlier"], first["width"], first["inner"]) == (True, 0, [])
    request = next(row for row in fall["rows"] if row["step"] == 3)
    assert (request["left"], request["width"], request["inner"]) == (0, 100, [[0, 90]])


def test_tokens_are_compared_and_one_that_was_reused_unseen_is_remembered() -> None:
    trace = loading()
    seen = {("jira", "token-exchange"): {"sub": "1", "exp": T0 + 280, "aud": "vault", "azp": "mcp-jira"}}
    unseen, known = hops.hops(trace, "jira", {}), hops.hops(trace, "jira", seen)
    assert [bool(hop.claims) for hop in unseen] == [True, True, False]
    rows = {row["claim"]: row for row in hops.compared(known)}
    assert [cell["changed"] for cell in rows["aud"]["cells"]] == [False, True, True]
    assert [cell["changed"] for cell in rows["azp"]["cells"]] == [False, False, True]
    assert not rows["sub"]["changed"]
    assert rows["aud"]["why"].startswith("Each token names the one place")
    assert hops.remember(trace).keys() == {("", "jwt"), ("jira", "server-token")}


def test_a_trace_reads_in_the_readers_language() -> None:
    with speaking("ko"):
        drawn = drawing(loading(), {}, {}, now=T0)
    assert drawn["steps"][1]["title"] == "액세스 토큰 확인"
    assert drawn["text"]["request"] == "요청"


def test_nothing_but_plain_values_goes_to_the_browser() -> None:
    hostile = loading()
    hostile.steps[3].sentence = "</script><img src=x onerror=alert(1)>"
    assert json.loads(json.dumps(drawing(hostile, {"jira": None}, {}, now=T0)))["steps"][3]["sentence"].startswith("</")


@pytest.mark.parametrize("kind", STEPS)
def test_every_step_names_a_document_that_can_be_opened(kind: str) -> None:
    pieces = linked(STEPS[kind].standard)
    assert "".join(piece.text for piece in pieces) == STEPS[kind].standard
    assert all(piece.href.startswith("https://") for piece in pieces if piece.href)
    assert any(piece.href for piece in pieces)


def test_addresses_are_shortened_where_everybody_knows_the_rest() -> None:
    assert short("http://localhost:8080/realms/r/protocol/openid-connect/token?x=1") == "…/token"
    assert short("http://localhost:8200/v1/auth/jwt/login") == "/v1/auth/jwt/login"
    assert short("http://localhost:8001") == "/"


def test_a_failed_step_tells_what_happened_and_what_to_do_in_the_readers_language(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("fastmcp_vault.advice._given", dict(ADVICE))  # as in a process of the demo
    recorder = Recorder("test")
    at = Sentence("Vault at {at} {how}, while {doing}.", at="v:1", how="cannot be reached", doing="renewing a lease")
    for error in (VaultUnavailable(at, fix="Try again."), KeyError("unforeseen")):
        with pytest.raises(type(error)), recorder.step("vault-login", server="jira"):
            raise error
    known, unforeseen = recorder.trace.steps
    with speaking("ko"):
        assert details(known, None)["sentence"] == "Vault(v:1)에 연결할 수 없습니다(작업: 리스 연장)."
        assert details(known, None)["fix"] == "조치: 다시 시도하십시오."
        assert details(unforeseen, None)["fix"].startswith("조치: 역할, audience, `azp`가 맞아야 합니다.")
    assert details(known, None)["sentence"] == at
