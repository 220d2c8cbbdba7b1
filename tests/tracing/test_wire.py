"""What goes over the wire is in the trace, whole but for its secrets; what does not, is not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route

from fastmcp_vault import correlation, tracing
from fastmcp_vault.http import async_client, async_transport
from fastmcp_vault.tracing import Recorder
from fastmcp_vault.tracing.model import BODY_LIMIT
from fastmcp_vault.tracing.wire import TracedTransport, shown_body
from tests.mcp_servers.serving import served
from tests.support.browser import closed_port
from tests.support.odd_server import odd_server

SECRET = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJlLW9mLWFsaWNl"


def traced(*, timeout: float = 5) -> httpx2.AsyncClient:
    """A client as those of the servers are."""
    return async_client(timeout=timeout, transport=TracedTransport(async_transport()))


async def test_a_request_is_recorded_as_sent_and_answered_without_its_secrets() -> None:
    recorder = Recorder("Load tools", correlation_id="click-1")
    with odd_server() as server:
        server.status, server.body = 201, f'{{"access_token": "{SECRET}", "expires_in": 300}}'.encode()
        async with traced() as client:
            with tracing.recording(recorder), tracing.step("token-exchange"):
                answer = await client.post(
                    f"{server.url}/token?code=abc",
                    headers={"Authorization": f"Bearer {SECRET}"},
                    data={"subject_token": SECRET, "audience": "vault"},
                )
                assert answer.json()["access_token"] == SECRET
        assert server.headers_seen[0]["X-Correlation-Id"] == "click-1"
        assert SECRET in server.forms_seen[0]
    (exchange,) = recorder.trace.steps[0].exchanges
    assert (exchange.method, exchange.status) == ("POST", 201)
    assert exchange.url.endswith("/token?code=••••")
    assert exchange.request_headers.keys() == server.headers_seen[0].keys()
    assert exchange.request_body == "subject_token=eyJh…aWNl&audience=vault"
    assert exchange.response_body == '{"access_token": "eyJh…aWNl", "expires_in": 300}'
    assert (exchange.duration_ms or 0) > 0
    assert SECRET not in recorder.trace.model_dump_json()


@pytest.mark.parametrize("recorded", [True, False])
async def test_the_correlation_id_goes_along_whether_or_not_anything_is_recorded(recorded: bool) -> None:
    with odd_server() as server:
        async with traced() as client:
            with (
                correlation.carrying("click-2"),
                tracing.recording(Recorder("x", correlation_id="click-3") if recorded else None),
            ):
                await client.get(server.url)
            await client.get(server.url)
        assert server.headers_seen[0]["X-Correlation-Id"] == ("click-3" if recorded else "click-2")
        assert "X-Correlation-Id" not in server.headers_seen[1]


async def test_no_answer_is_recorded_as_what_it_was_and_raised() -> None:
    recorder = Recorder("Load tools")
    with odd_server() as server:
        server.mute = True
        async with traced(timeout=0.2) as client:
            with tracing.recording(recorder), pytest.raises(httpx2.ReadTimeout), tracing.step("vault-login"):
                await client.get(f"{server.url}/x?token={SECRET}")
    (step,) = recorder.trace.failed
    (exchange,) = step.exchanges
    assert exchange.status is None
    assert "Timeout" in exchange.error
    assert SECRET not in recorder.trace.model_dump_json()


async def test_a_connection_that_is_hung_up_is_recorded_too() -> None:
    recorder = Recorder("Load tools")
    with odd_server() as server:
        server.hang_up = True
        async with traced() as client:
            with tracing.recording(recorder), pytest.raises(httpx2.HTTPError), tracing.step("backend"):
                await client.get(server.url)
    assert recorder.trace.steps[0].exchanges[0].error


async def test_a_refused_connection_is_recorded() -> None:
    recorder = Recorder("Load tools")
    async with traced() as client:
        with tracing.recording(recorder), pytest.raises(httpx2.ConnectError), tracing.step("backend"):
            await client.get(f"http://localhost:{closed_port()}/x?token={SECRET}")
    (step,) = recorder.trace.failed
    (exchange,) = step.exchanges
    assert (exchange.method, exchange.status) == ("GET", None)
    assert "Connect" in exchange.error
    assert exchange.url.endswith("/x?token=eyJh…aWNl")
    assert (exchange.duration_ms or 0) > 0
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
        traced() as client,
    ):
        with tracing.recording(recorder), tracing.step("backend"):
            async with client.stream("GET", address) as answer:
                lines = answer.aiter_lines()
                assert await anext(lines) == "data: first"
                heard.set()
                assert [line async for line in lines if line] == ["data: last"]
    (exchange,) = recorder.trace.steps[0].exchanges
    assert (exchange.status, exchange.response_body) == (200, "")


async def test_outside_a_step_nothing_is_recorded() -> None:
    recorder = Recorder("Load tools")
    with odd_server() as server, tracing.recording(recorder):
        async with traced() as client:
            assert (await client.get(server.url)).is_success
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
