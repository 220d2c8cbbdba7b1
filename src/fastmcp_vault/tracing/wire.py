"""The wire: an HTTP transport that puts each real exchange, masked, into the step that is open."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import Protocol

import httpx2

from fastmcp_vault import correlation
from fastmcp_vault.masking import mask_headers, mask_query, mask_text, mask_url, mask_value
from fastmcp_vault.tracing import spans
from fastmcp_vault.tracing.model import BODY_LIMIT, Exchange
from fastmcp_vault.tracing.recorder import current, open_step

CORRELATION_HEADER = correlation.HEADER
"""Carries the action's id from the browser's click to Vault's audit log and the back end."""

PARSED_LIMIT = 4_000_000
"""A longer body is not looked into: its structure, which says what in it is secret, would take too long to read."""


class Tape(Protocol):
    """Where exchanges are kept: a step of a trace, or whatever else is shown with its wire."""

    @property
    def secrets(self) -> frozenset[str]:
        """Exact values to mask."""

    def add(self, exchange: Exchange) -> None:
        """Keep one exchange, masked already."""


def correlation_id() -> str | None:
    """The id to send: that of the action being recorded, else the one this task works under."""
    recorder = current()
    return recorder.trace.id if recorder is not None else correlation.current()


def shown_body(body: str | bytes | None, content_type: str, *, secrets: Iterable[str] = ()) -> str:
    """A body as it may be kept: BODY_LIMIT characters of it, masked by its structure (JSON, form) or by pattern."""
    if not body:
        return ""
    if len(body) > PARSED_LIMIT:
        return f"({len(body):,} bytes: too long to be shown)"
    text = body.decode("utf-8", "replace") if isinstance(body, bytes) else body
    if "json" in content_type or text[:1] in "{[":
        with suppress(ValueError, RecursionError):
            shown = mask_value("", json.loads(text), secrets=secrets, limit=BODY_LIMIT)
            return json.dumps(shown, ensure_ascii=False)[:BODY_LIMIT]
    if "x-www-form-urlencoded" in content_type:
        return mask_query(text, secrets=secrets, limit=BODY_LIMIT)[:BODY_LIMIT]
    return mask_text(text, secrets=secrets, limit=BODY_LIMIT)[:BODY_LIMIT]


class TracedTransport(httpx2.AsyncBaseTransport):
    """Wraps an async transport: each request carries the action's id, and the context of the trace that goes on.

    One exchange per request goes into ``into``, or into the step that is open.
    """

    def __init__(self, inner: httpx2.AsyncBaseTransport, *, into: Tape | None = None) -> None:
        self._recorded = RecordedTransport(inner, into=into)
        self._spanned: httpx2.AsyncBaseTransport | None = None

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send one request, as a span of the trace that goes on if that is kept."""
        known = correlation_id()
        if known is not None:
            request.headers.setdefault(CORRELATION_HEADER, known)
        if spans.sampled():
            if self._spanned is None:
                self._spanned = spans.makers().sending(self._recorded)
            return await self._spanned.handle_async_request(request)
        if spans.goes_on():
            spans.tell(request.headers)
        return await self._recorded.handle_async_request(request)

    async def aclose(self) -> None:
        """Close the transport underneath."""
        await self._recorded.aclose()


class RecordedTransport(httpx2.AsyncBaseTransport):
    """Wraps an async transport: one exchange per request into ``into``, or into the step that is open.

    An event stream is recorded without its body: reading it here would hold up the reader.
    """

    def __init__(self, inner: httpx2.AsyncBaseTransport, *, into: Tape | None = None) -> None:
        self._inner = inner
        self._into = into

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send one request, and record it if a step is open."""
        opened = self._into or open_step()
        return await (self._inner.handle_async_request(request) if opened is None else self._kept(request, opened))

    async def _kept(self, request: httpx2.Request, opened: Tape) -> httpx2.Response:
        """Send it, and keep what went over the wire."""
        await request.aread()
        exchange, began = _begin(opened, request), time.perf_counter()
        try:
            response = await self._inner.handle_async_request(request)
            streamed = response.headers.get("content-type", "").startswith("text/event-stream")
            content = b"" if streamed else await response.aread()
        except BaseException as error:
            exchange.duration_ms = (time.perf_counter() - began) * 1000
            exchange.error = mask_text(f"{type(error).__name__}: {error}", secrets=opened.secrets)
            raise
        exchange.duration_ms = (time.perf_counter() - began) * 1000
        exchange.status = response.status_code
        exchange.response_headers = mask_headers(_as_sent(response.headers), secrets=opened.secrets)
        exchange.response_body = shown_body(content, response.headers.get("content-type", ""), secrets=opened.secrets)
        return response

    async def aclose(self) -> None:
        """Close the transport underneath."""
        await self._inner.aclose()


def _begin(opened: Tape, request: httpx2.Request) -> Exchange:
    exchange = Exchange(
        method=request.method,
        url=mask_url(str(request.url), secrets=opened.secrets),
        started_at=time.time(),
        request_headers=mask_headers(_as_sent(request.headers), secrets=opened.secrets),
        request_body=shown_body(request.content, request.headers.get("content-type", ""), secrets=opened.secrets),
    )
    opened.add(exchange)
    return exchange


def _as_sent(headers: httpx2.Headers) -> list[tuple[str, str]]:
    """Names in the case they have on the wire, repeated ones one by one."""
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers.raw]
