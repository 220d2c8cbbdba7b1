"""Every attack, really sent at the stack, is blocked by its own layer; one that is not blocked is reported as such."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from app.lab.arms import AttackTarget
from app.lab.attack import PARTIES, Attack, AttackAnswer, verdict
from app.lab.catalog import ATTACKS, BY_ID, CONTROLS
from app.lab.people import LabClosed, attacker_and_victim, everybody, read
from app.lab.targets import LabTape, OutOfBounds, on_tape, shared
from app.settings import AppSettings
from stack.testing import Stack
from tests.lab.shooting import everywhere, results, shooting_range
from tests.mcp_servers.serving import served
from tests.support.browser import closed_port
from tests.support.people import Person

TO_BLOCK = [attack for attack in ATTACKS if attack.expected == "blocked"]


@pytest.fixture
async def where(stack: Stack, person: Person, bob: Person) -> AsyncIterator[AttackTarget]:
    """Somebody of this test's own against bob."""
    async with shooting_range(stack, person, bob) as found:
        yield found


async def test_every_attack_is_blocked_and_the_controls_get_through(where: AttackTarget) -> None:
    assert len(TO_BLOCK) >= 16
    found = await results(where, (*CONTROLS, *ATTACKS))
    assert {name: result.verdict for name, result in found.items()} == {
        attack.id: attack.expected for attack in (*CONTROLS, *ATTACKS)
    }, {name: result.said for name, result in found.items() if result.verdict != BY_ID[name].expected}
    for result in found.values():
        assert result.exchanges, f"{result.attack} sent nothing"
        last = result.exchanges[-1]
        assert last.status == result.status
        assert last.request_headers["X-Correlation-Id"] == result.correlation_id


async def test_after_its_session_ended_a_token_passes_locally_and_fails_at_introspection(where: AttackTarget) -> None:
    found = await results(where, [BY_ID["local"], BY_ID["introspection"], BY_ID["replay"]])
    assert found["local"].verdict == "passed"
    assert (found["introspection"].verdict, found["introspection"].said) == ("blocked", '{"active":false}')
    assert (found["replay"].verdict, found["replay"].said) == ("blocked", "This session has ended.")


async def yes(request: Request) -> Response:
    """What a server answers that checks nothing."""
    if request.url.path.endswith("/introspect"):
        return JSONResponse({"active": True})
    if request.url.path == "/mcp":
        return JSONResponse({"jsonrpc": "2.0", "id": 1, "result": {"tools": [], "content": []}})
    return JSONResponse({"data": {}, "auth": {"client_token": "x"}, "access_token": "x", "username": "x"})


async def no(_: Request) -> Response:
    """What a server answers that refuses everybody, whatever they send."""
    return JSONResponse({"error": "no", "error_description": "Not today.", "errors": ["not today"]}, 403)


async def come_in(socket: WebSocket) -> None:
    """A web socket for whoever asks."""
    await socket.accept()


async def test_an_attack_that_gets_through_is_reported_as_such(where: AttackTarget, stack: Stack) -> None:
    every = Route("/{path:path}", yes, methods=["GET", "POST", "LIST"])
    weak = Starlette(routes=[WebSocketRoute("/_stcore/stream", come_in), every])
    async with served(weak, ws="auto") as address:
        found = await results(where, TO_BLOCK, everywhere(address, stack))
    assert Counter(result.verdict for result in found.values()) == {"passed": len(TO_BLOCK)}, {
        name: (result.verdict, result.said) for name, result in found.items() if result.verdict != "passed"
    }


async def test_a_refusal_for_another_reason_and_no_answer_are_no_verdict(where: AttackTarget, stack: Stack) -> None:
    quick = [attack for attack in ATTACKS if attack.id not in ("socket", "local")]
    async with served(Starlette(routes=[Route("/{path:path}", no, methods=["GET", "POST", "LIST"])])) as address:
        refused = await results(where, quick, everywhere(address, stack))
    assert Counter(result.verdict for result in refused.values()) == {"unclear": len(quick)}
    silent = await results(where, quick, everywhere(f"http://localhost:{closed_port()}", stack))
    assert Counter(result.verdict for result in silent.values()) == {"unclear": len(quick)}


def test_the_rule_by_which_an_answer_becomes_a_verdict() -> None:
    attack = BY_ID["expired"]
    assert verdict(attack, AttackAnswer(200, "has expired", through=True, refused=False)) == "passed"
    assert verdict(attack, AttackAnswer(401, "The token has expired.", through=False, refused=True)) == "blocked"
    assert verdict(attack, AttackAnswer(401, "Too many requests.", through=False, refused=True)) == "unclear"
    assert verdict(attack, AttackAnswer(503, "The token has expired.", through=False, refused=False)) == "unclear"


async def test_nothing_is_sent_anywhere_but_to_the_demos_own_servers(where: AttackTarget, stack: Stack) -> None:
    tape = LabTape()
    async with shared(where.targets, connections=1) as transport:
        client = on_tape(transport, tape)
        for address in ("http://evil.example/", f"http://localhost:{closed_port()}/", "https://localhost/"):
            with pytest.raises(OutOfBounds):
                await client.get(address)
        assert (await client.get(f"{stack.url('app')}/health")).is_success
    assert [exchange.status for exchange in tape.exchanges] == [None, None, None, 200]
    elsewhere = Attack("elsewhere", "web", "app.origin", "", "", lambda shot: _at(shot.wire, "http://evil.example/"))
    result = (await results(where, [elsewhere]))["elsewhere"]
    assert result.verdict == "unclear"
    assert "evil.example" in result.said


async def _at(client: object, address: str) -> AttackAnswer:
    answer = await client.get(address)  # type: ignore[attr-defined]
    return AttackAnswer(answer.status_code, "", through=True, refused=False)


async def test_no_secret_stands_in_a_result(where: AttackTarget) -> None:
    found = await results(where, [BY_ID["alg-none"], BY_ID["others-path"], BY_ID["cookie"], BY_ID["refresh"]])
    shown = "\n".join(repr(result.exchanges) + result.said for result in found.values())
    assert "Bearer eyJ" in shown, "masked, and still to be seen as a token"
    assert not any(len(word) > 60 and word.startswith("eyJ") for word in shown.replace("'", " ").split())
    for secret in (where.lab_secret, where.attacker.password):
        assert secret.get_secret_value() not in shown


def test_the_lab_is_closed_outside_the_demo_and_without_people(stack: Stack) -> None:
    inside = AppSettings(lab_users_file=stack.instance.users_file)
    assert "alice" in everybody(inside)
    for settings in (inside.model_copy(update={"profile": "production"}), AppSettings(lab_users_file=None)):
        with pytest.raises(LabClosed):
            everybody(settings)


def test_somebody_without_credentials_lends_the_attack_to_somebody_who_has_them(stack: Stack) -> None:
    people = read(stack.instance.users_file)
    assert [who.username for who in attacker_and_victim(people, "alice")] == ["alice", "bob"]
    assert [who.username for who in attacker_and_victim(people, "charlie")] == ["alice", "bob"]
    with pytest.raises(LabClosed):
        attacker_and_victim({"alice": people["alice"]}, "alice")


def test_every_attack_names_its_layer_and_no_two_share_a_name() -> None:
    assert len(BY_ID) == len(ATTACKS) + len(CONTROLS)
    assert {attack.party for attack in ATTACKS} == set(PARTIES)
