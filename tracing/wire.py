"""The wire: an HTTP session and a transport that put each real exchange, masked, into the step that is open."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from typing import Protocol

import httpx2
import requests

from common import correlation
from common.http import TimedSession
from common.masking import mask_headers, mask_query, mask_text, mask_url, mask_value
from tracing.model import BODY_LIMIT, Exchange
from tracing.recorder import current, open_step

CORRELATION_HEADER = correlation.HEADER
"""Carries the action's id from the browser's click to Vault's audit log and the back end."""


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
    """A body as it may be kept: masked by its structure (JSON, form) or by pattern, then cut to BODY_LIMIT."""
    if not body:
        return ""
    text = body.decode("utf-8", "replace") if isinstance(body, bytes) else body
    if "json" in content_type or text[:1] in "{[":
        try:
            shown = mask_value("", json.loads(text), secrets=secrets)
            return json.dumps(shown, ensure_ascii=False)[:BODY_LIMIT]
        except (ValueError, RecursionError):
            return mask_text(text, secrets=secrets)[:BODY_LIMIT]
    if "x-www-form-urlencoded" in content_type:
        return mask_query(text, secrets=secrets)[:BODY_LIMIT]
    return mask_text(text, secrets=secrets)[:BODY_LIMIT]


def begin(
    opened: Tape, method: str, url: str, headers: Mapping[str, str], body: str | bytes | None
) -> tuple[Exchange, float]:
    """Open an exchange in a step; returns it and the clock (seconds) to hand to :func:`finish`."""
    content_type = {k.lower(): v for k, v in headers.items()}.get("content-type", "")
    exchange = Exchange(
        method=method,
        url=mask_url(url, secrets=opened.secrets),
        started_at=time.time(),
        request_headers=mask_headers(headers, secrets=opened.secrets),
        request_body=shown_body(body, content_type, secrets=opened.secrets),
    )
    opened.add(exchange)
    return exchange, time.perf_counter()


def finish(
    exchange: Exchange,
    began: float,
    opened: Tape,
    *,
    status: int,
    headers: Mapping[str, str],
    body: str | bytes | None,
) -> None:
    """Close an exchange with the response that came."""
    exchange.duration_ms = (time.perf_counter() - began) * 1000
    exchange.status = status
    exchange.response_headers = mask_headers(headers, secrets=opened.secrets)
    content_type = {k.lower(): v for k, v in headers.items()}.get("content-type", "")
    exchange.response_body = shown_body(body, content_type, secrets=opened.secrets)


def broke(exchange: Exchange, began: float, opened: Tape, error: BaseException) -> None:
    """Close an exchange to which no response came."""
    exchange.duration_ms = (time.perf_counter() - began) * 1000
    exchange.error = mask_text(f"{type(error).__name__}: {error}", secrets=opened.secrets)


class TracedSession(TimedSession):
    """The ``requests`` session that hvac and python-keycloak use: one exchange per request into the open step."""

    def send(self, request: requests.PreparedRequest, **kwargs: object) -> requests.Response:
        """Send the request with the action's correlation id, and record it if a step is open."""
        known, opened = correlation_id(), open_step()
        if known is not None:
            request.headers.setdefault(CORRELATION_HEADER, known)
        if opened is None:
            return super().send(request, **kwargs)
        exchange, began = begin(opened, request.method or "", request.url or "", request.headers, request.body)
        try:
            response = super().send(request, **kwargs)
        except BaseException as error:
            broke(exchange, began, opened, error)
            raise
        finish(exchange, began, opened, status=response.status_code, headers=response.headers, body=response.content)
        return response


class TracedTransport(httpx2.AsyncBaseTransport):
    """Wraps an async transport: one exchange per request into ``into``, or into the step that is open.

    An event stream is recorded without its body: reading it here would hold up the reader.
    """

    def __init__(self, inner: httpx2.AsyncBaseTransport, *, into: Tape | None = None) -> None:
        self._inner = inner
        self._into = into

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send one request, recorded."""
        known, opened = correlation_id(), self._into or open_step()
        if known is not None:
            request.headers.setdefault(CORRELATION_HEADER, known)
        if opened is None:
            return await self._inner.handle_async_request(request)
        body = await request.aread()
        exchange, began = begin(opened, request.method, str(request.url), request.headers, body)
        try:
            response = await self._inner.handle_async_request(request)
            streamed = response.headers.get("content-type", "").startswith("text/event-stream")
            content = None if streamed else await response.aread()
        except BaseException as error:
            broke(exchange, began, opened, error)
            raise
        finish(exchange, began, opened, status=response.status_code, headers=response.headers, body=content)
        return response

    async def aclose(self) -> None:
        """Close the transport underneath."""
        await self._inner.aclose()
