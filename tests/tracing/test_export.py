"""Exports: a valid HAR 1.2, JSON that reads back, curl that a shell accepts; none with a secret."""

from __future__ import annotations

import json
import shlex
from datetime import datetime
from typing import Any

import httpx2
import pytest
from jsonschema import Draft7Validator  # type: ignore[import-untyped]

from fastmcp_vault import tracing
from fastmcp_vault.http import async_client, async_transport
from fastmcp_vault.tracing import Exchange, Recorder, Trace
from fastmcp_vault.tracing.export import as_curl, as_har, as_json
from fastmcp_vault.tracing.wire import TracedTransport
from tests.support.odd_server import odd_server

SECRET = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJlLW9mLWFsaWNl"

TEXT: dict[str, Any] = {"type": "string"}
NUMBER: dict[str, Any] = {"type": "number", "minimum": -1}
TIME: dict[str, Any] = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$"}


def _object(optional: dict[str, Any] | None = None, **required: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": required | (optional or {}) | {"comment": TEXT},
        "required": list(required),
        "additionalProperties": False,
    }


PAIRS: dict[str, Any] = {"type": "array", "items": _object(name=TEXT, value=TEXT)}
MESSAGE: dict[str, Any] = {
    "httpVersion": TEXT,
    "cookies": {"type": "array"},
    "headers": PAIRS,
    "headersSize": {"type": "integer", "minimum": -1},
    "bodySize": {"type": "integer", "minimum": -1},
}
HAR = _object(
    log=_object(
        version={"const": "1.2"},
        creator=_object(name=TEXT, version=TEXT),
        pages={
            "type": "array",
            "items": _object(
                startedDateTime=TIME,
                id=TEXT,
                title=TEXT,
                pageTimings=_object({"onContentLoad": NUMBER, "onLoad": NUMBER}),
            ),
        },
        entries={
            "type": "array",
            "items": _object(
                {"pageref": TEXT},
                startedDateTime=TIME,
                time={"type": "number", "minimum": 0},
                request=_object(
                    {"postData": _object({"text": TEXT, "params": {"type": "array"}}, mimeType=TEXT)},
                    method=TEXT,
                    url={"type": "string", "format": "uri"},
                    queryString=PAIRS,
                    **MESSAGE,
                ),
                response=_object(
                    status={"type": "integer", "minimum": 0},
                    statusText=TEXT,
                    content=_object({"text": TEXT}, size={"type": "integer", "minimum": 0}, mimeType=TEXT),
                    redirectURL=TEXT,
                    **MESSAGE,
                ),
                cache={"type": "object"},
                timings=_object(send=NUMBER, wait=NUMBER, receive=NUMBER),
            ),
        },
    )
)
"""HAR 1.2 (http://www.softwareishard.com/blog/har-12-spec/), as far as a trace uses it; nothing else is let through."""


@pytest.fixture
async def trace() -> Trace:
    """A trace with a good exchange, a refused one, and one that nobody answered."""
    recorder = Recorder("Execute get_issue")
    with odd_server() as server, tracing.recording(recorder):
        async with async_client(transport=TracedTransport(async_transport())) as client:
            server.body = f'{{"access_token": "{SECRET}"}}'.encode()
            with tracing.step("token-exchange"):
                await client.post(f"{server.url}/token?code={SECRET}", data={"subject_token": SECRET, "it's": "it's"})
            server.status, server.content_type, server.body = 404, "text/html; charset=utf-8", "<p>Größe</p>".encode()
            with tracing.step("backend"):
                await client.get(f"{server.url}/issue?q=a+b&q=c", headers={"Authorization": f"Bearer {SECRET}"})
                server.hang_up = True
                with pytest.raises(httpx2.HTTPError):
                    await client.get(server.url)
    return recorder.trace


def test_the_har_is_valid_has_every_exchange_and_no_secret(trace: Trace) -> None:
    har = as_har(trace)
    Draft7Validator(HAR).validate(har)
    text = json.dumps(har)
    assert SECRET not in text
    entries = har["log"]["entries"]
    assert [e["response"]["status"] for e in entries] == [200, 404, 0]
    assert {"name": "q", "value": "a b"} in entries[1]["request"]["queryString"]
    assert [e["startedDateTime"] for e in entries] == sorted(e["startedDateTime"] for e in entries)
    assert all(datetime.fromisoformat(e["startedDateTime"]) for e in entries)
    assert {e["pageref"] for e in entries} == {har["log"]["pages"][0]["id"]}


def test_the_json_reads_back_as_the_same_trace(trace: Trace) -> None:
    text = as_json(trace)
    assert SECRET not in text
    assert Trace.model_validate_json(text) == trace


def test_curl_is_one_command_for_a_shell_whatever_the_exchange_holds(trace: Trace) -> None:
    for step in trace.steps:
        for exchange in step.exchanges:
            words = shlex.split(as_curl(exchange))
            assert words[:3] == ["curl", "-sS", "-X"]
            assert words[4] == exchange.url
            assert SECRET not in " ".join(words)


def test_curl_never_reads_a_file_that_a_body_names() -> None:
    hostile = Exchange(method="POST", url="http://localhost/$(id)", started_at=0.0, request_body="@/etc/passwd; `id`")
    words = shlex.split(as_curl(hostile))
    assert words[-2:] == ["--data-raw", "@/etc/passwd; `id`"]
    assert "http://localhost/$(id)" in words
