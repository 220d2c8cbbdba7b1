"""Exports of a trace: JSON, HAR 1.2, and one exchange as a curl command; masked, as everything in a trace is."""

from __future__ import annotations

import json
import shlex
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from fastmcp_vault.tracing.model import Exchange, Trace

_CURL_DROPS = {"host", "content-length", "connection", "accept-encoding", "user-agent", "accept"}


def as_json(trace: Trace) -> str:
    """The whole trace as indented JSON."""
    return json.dumps(trace.model_dump(mode="json"), indent=2, ensure_ascii=False)


def as_curl(exchange: Exchange) -> str:
    """The exchange as a curl command; masked values stay masked, so fill in your own."""
    parts = ["curl", "-sS", "-X", exchange.method, shlex.quote(exchange.url)]
    for name, value in exchange.request_headers.items():
        if name.lower() not in _CURL_DROPS:
            parts += ["-H", shlex.quote(f"{name}: {value}")]
    if exchange.request_body:
        parts += ["--data-raw", shlex.quote(exchange.request_body)]
    return " ".join(parts)


def as_har(trace: Trace) -> dict[str, Any]:
    """The trace as a HAR 1.2 log: one page (the action), one entry per exchange, times in milliseconds."""
    page = {
        "startedDateTime": _iso(trace.started_at),
        "id": trace.id,
        "title": trace.action,
        "pageTimings": {"onContentLoad": -1, "onLoad": -1},
    }
    entries = [
        _entry(trace.id, exchange, comment=f"step {step.number}: {step.about.title}")
        for step in trace.steps
        for exchange in step.exchanges
    ]
    entries.sort(key=lambda e: str(e["startedDateTime"]))
    return {
        "log": {
            "version": "1.2",
            "creator": {"name": "mcp-remote-vault", "version": "1"},
            "pages": [page],
            "entries": entries,
        }
    }


def _entry(page: str, exchange: Exchange, *, comment: str) -> dict[str, Any]:
    duration = round(exchange.duration_ms or 0.0, 3)
    return {
        "pageref": page,
        "startedDateTime": _iso(exchange.started_at),
        "time": duration,
        "request": _request(exchange),
        "response": _response(exchange),
        "cache": {},
        "timings": {"send": 0, "wait": duration, "receive": 0},
        "comment": comment,
    }


def _request(exchange: Exchange) -> dict[str, Any]:
    query = parse_qsl(urlsplit(exchange.url).query, keep_blank_values=True)
    request: dict[str, Any] = {
        "method": exchange.method,
        "url": exchange.url,
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": _pairs(exchange.request_headers),
        "queryString": [{"name": k, "value": v} for k, v in query],
        "headersSize": -1,
        "bodySize": len(exchange.request_body.encode()),
    }
    if exchange.request_body:
        request["postData"] = {"mimeType": _mime(exchange.request_headers), "text": exchange.request_body}
    return request


def _response(exchange: Exchange) -> dict[str, Any]:
    return {
        "status": exchange.status or 0,
        "statusText": exchange.error,
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": _pairs(exchange.response_headers),
        "content": {
            "size": len(exchange.response_body.encode()),
            "mimeType": _mime(exchange.response_headers),
            "text": exchange.response_body,
        },
        "redirectURL": next((v for k, v in exchange.response_headers.items() if k.lower() == "location"), ""),
        "headersSize": -1,
        "bodySize": -1,
    }


def _pairs(headers: dict[str, str]) -> list[dict[str, str]]:
    return [{"name": k, "value": v} for k, v in headers.items()]


def _mime(headers: dict[str, str]) -> str:
    return next((v for k, v in headers.items() if k.lower() == "content-type"), "application/octet-stream")


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
