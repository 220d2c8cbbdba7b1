"""What goes over the wire is in the trace, whole but for its secrets; what does not, is not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx2
import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route

import tracing
from common import correlation
from common.http import async_client, async_transport
from tests.mcp_servers.serving import served
from tests.support.browser import closed_port
from tests.support.odd_server import odd_server
from tracing import Recorder
from tracing.model import BODY_LIMIT
from tracing.wire import TracedSession, TracedTransport, shown_body

SECRET = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJlLW9mLWFsaWNl"


def test_a_request_is_recorded_as_sent_and_answered_without_its_secrets() -> None:
    recorder = Recorder("Load tools", correlation_id="click-1")
    with odd_server() as server, TracedSession() as session:
        server.status, server.body = 201, f'{{"access_token": "{SECRET}", "expires_in": 300}}'.encode()
        with tracing.recording(recorder), tracing.step("token-exchange"):
            session.post(f"{server.url}/token?code=abc", data={"subject_token": SECRET, "audience": "vault"}, timeout=5)
        assert server.headers_seen[0]["X-Correlation-Id"] == "click-1"
        assert SECRET in server.forms_seen[0]
    (exchange,) = recorder.trace.steps[0].exchanges
    assert (exchange.method, exchange.status) == ("POST", 201)
    assert exchange.url.endswith("/token?code=••••")
    assert exchange.request_body == "subject_token=eyJh…aWNl&audience=vault"
    assert exchange.response_body == '{"access_token": "eyJh…aWNl", "expires_in": 300}'
    assert (exchange.duration_ms or 0) > 0
    assert SECRET not in recorder.trace.model_dump_json()


async def test_the_async_transport_records_the_same() -> None:
    recorder = Recorder("Load tools", correlation_id="click-1")
    with odd_server() as server:
        server.body = f'{{"access_token": "{SECRET}"}}'.encode()
        async with async_client(transport=TracedTransport(async_transport())) as client:
            with tracing.recording(recorder), tracing.step("backend"):
                answer = await client.post(
                    f"{server.url}/x", headers={"Authorization": f"Bearer {SECRET}"}, json={"a": 1}
                )
                assert answer.json() == {"access_token": SECRET}
        assert server.headers_seen[0]["X-Correlation-Id"] == "click-1"
    (exchange,) = recorder.trace.steps[0].exchanges
    assert exchange.status == 200
    assert exchange.request_body == '{"a": 1}'
    assert SECRET not in recorder.trace.model_dump_json()


@pytest.mark.parametrize("recorded", [True, False])
def test_the_correlation_id_goes_along_whether_or_not_anything_is_recorded(recorded: bool) -> None:
    with odd_server() as server, TracedSession() as session, correlation.carrying("click-2"):
        with tracing.recording(Recorder("x", correlation_id="click-3") if recorded else None):
            session.get(server.url)
        assert server.headers_seen[0]["X-Correlation-Id"] == ("click-3" if recorded else "click-2")
    with odd_server() as server, TracedSession() as session:
        session.get(server.url)
        assert "X-Correlation-Id" not in server.headers_seen[0]


def test_no_answer_is_recorded_as_what_it_was_and_raised() -> None:
    recorder = Recorder("Load tools")
    with odd_server() as server, TracedSession(timeout=0.2) as session:
        server.mute = True
        with tracing.recording(recorder), pytest.raises(requests.Timeout), tracing.step("vault-login"):
            session.get(f"{server.url}/x?token={SECRET}")
    (step,) = recorder.trace.failed
    (exchange,) = step.exchanges
    assert exchange.status is None
    assert "Timeout" in exchange.error
    assert SECRET not in recorder.trace.model_dump_json()


async def test_no_answer_to_the_async_transport_is_recorded_too() -> None:
    recorder = Recorder("Load tools")
    with odd_server() as server:
        server.hang_up = True
        async with async_client(transport=TracedTransport(async_transport())) as client:
            with tracing.recording(recorder), pytest.raises(httpx2.HTTPError), tracing.step("backend"):
                await client.get(server.url)
    assert recorder.trace.steps[0].exchanges[0].error


async def test_a_refused_connection_is_recorded_by_both() -> None:
    nobody = f"http://localhost:{closed_port()}/x?token={SECRET}"
    recorder = Recorder("Load tools")
    with tracing.recording(recorder):
        with TracedSession() as session, pytest.raises(requests.ConnectionError), tracing.step("vault-login"):
            session.get(nobody)
        async with async_client(transport=TracedTransport(async_transport())) as client:
            with pytest.raises(httpx2.ConnectError), tracing.step("backend"):
                await client.get(nobody)
    for step in recorder.trace.failed:
        (exchange,) = step.exchanges
        assert (exchange.method, exchange.status) == ("GET", None)
        assert "Connect" in exchange.error
        assert exchange.url.endswith("/x?token=eyJh…aWNl")
        assert (exchange.duration_ms or 0) > 0
    assert len(recorder.trace.failed) == 2
    assert SECRET not in recorder.trace.model_dump_json()


async def test_an_event_stream_is_not_held_up() -> None:
    heard = asyncio.Event()

    async def events() -> AsyncIterator[str]:
        yield "data: first\n\n"
        await asyncio.wait_for(heard.wait(), 20)
        yield "data: last\n\n"

    async def stream(_: Request) -> StreamingResponse:
        return StreamingResponse(events(), media_type="text/event-stream")

    recorder = Recorder("Load tools")
    async with (
        served(Starlette(routes=[Route("/", stream)])) as address,
        async_client(transport=TracedTransport(async_transport())) as client,
    ):
        with tracing.recording(recorder), tracing.step("backend"):
            async with client.stream("GET", address) as answer:
                lines = answer.aiter_lines()
                assert await anext(lines) == "data: first"
                heard.set()
                assert [line async for line in lines if line] == ["data: last"]
    (exchange,) = recorder.trace.steps[0].exchanges
    assert (exchange.status, exchange.response_body) == (200, "")


def test_outside_a_step_nothing_is_recorded() -> None:
    recorder = Recorder("Load tools")
    with odd_server() as server, TracedSession() as session, tracing.recording(recorder):
        assert session.get(server.url).ok
    assert recorder.trace.steps == []


@pytest.mark.parametrize(
    "body", [b"[" * 100_000, b"{" * 100_000, b'{"a":' * 5000 + b"1" + b"}" * 5000, b"\xff\xfe{", b"{]"]
)
def test_a_body_that_is_no_proper_json_is_shown_all_the_same(body: bytes) -> None:
    assert len(shown_body(body, "application/json")) <= BODY_LIMIT


@given(
    st.binary(max_size=3000),
    st.sampled_from(["application/json", "application/x-www-form-urlencoded", "text/html", ""]),
)
def test_any_body_can_be_shown_and_stays_within_its_limit(body: bytes, content_type: str) -> None:
    assert len(shown_body(body * 5, content_type)) <= BODY_LIMIT


def test_a_kv_secret_read_from_vault_is_shown_without_its_values() -> None:
    body = '{"data": {"data": {"pat": "plain-looking-value-of-a-credential"}, "metadata": {"version": 2}}}'
    shown = shown_body(body, "application/json")
    assert "plain-looking-value" not in shown
    assert '"version": 2' in shown
