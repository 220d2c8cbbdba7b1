"""``null`` for an argument that may be left out means that it was left out: many clients send every field there is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_WHERE = {"prompts/get": ("arguments",), "completion/complete": ("context", "arguments")}
"""Where requests carry arguments that MCP itself allows to be text only, so that null is refused before any server
code sees it."""


def without_nulls(schema: Mapping[str, Any], arguments: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """``arguments`` without those that are null, where ``schema`` has a default for them and does not know null."""
    if arguments is None:
        return None
    properties, required = schema.get("properties", {}), schema.get("required", ())
    return {
        name: value
        for name, value in arguments.items()
        if value is not None or name not in properties or name in required or _takes_null(properties[name])
    }


def _takes_null(schema: Mapping[str, Any]) -> bool:
    kinds = schema.get("type", ())
    return "null" in ([kinds] if isinstance(kinds, str) else kinds) or any(
        _takes_null(one) for key in ("anyOf", "oneOf") for one in schema.get(key, ())
    )


class NullsAbsent:
    """ASGI middleware: drops null arguments of prompts and completions from a JSON-RPC request."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on the request, as it came or without its nulls."""
        if scope["type"] != "http" or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        messages: list[Message] = []
        while not messages or (messages[-1]["type"] == "http.request" and messages[-1].get("more_body")):
            messages.append(await receive())
        body = b"".join(message.get("body", b"") for message in messages)
        if b"null" in body and messages[-1]["type"] == "http.request":
            body = _cleaned(body)
            headers = [(k, v) for k, v in scope["headers"] if k != b"content-length"]
            scope = {**scope, "headers": [*headers, (b"content-length", str(len(body)).encode())]}
            messages = [{"type": "http.request", "body": body, "more_body": False}]

        async def again() -> Message:
            return messages.pop(0) if messages else await receive()

        await self._app(scope, again, send)


def _cleaned(body: bytes) -> bytes:
    try:
        request = json.loads(body)
        *way, last = _WHERE[request["method"]]
        holder = request["params"]
        for name in way:
            holder = holder[name]
        holder[last] = {name: value for name, value in holder[last].items() if value is not None}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return body  # what it is, is for the server to say
    return json.dumps(request).encode()
