"""What both providers' token endpoints read: a form or JSON, and the program's id and secret."""

from __future__ import annotations

import base64
import binascii
import json
from urllib.parse import parse_qs, unquote

from fastapi import Request

from mock_services.oauth.server import OAuthApp, OAuthServer


async def fields(request: Request) -> dict[str, str]:
    """The request's fields; empty for what is neither a form nor an object."""
    body = (await request.body()).decode("utf-8", "replace")
    if "json" in request.headers.get("content-type", ""):
        try:
            told = json.loads(body or "{}")
        except (ValueError, RecursionError):
            return {}
        return {str(k): v for k, v in told.items() if isinstance(v, str)} if isinstance(told, dict) else {}
    return {name: values[-1] for name, values in parse_qs(body, max_num_fields=50).items()}


def program(oauth: OAuthServer, request: Request, told: dict[str, str]) -> OAuthApp:
    """The program that asks (RFC 6749 §2.3.1: by Basic, or in the body). Raises OAuthRefused."""
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            client_id, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            client_id = secret = ""
        return oauth.authenticated(unquote(client_id), unquote(secret))
    return oauth.authenticated(told.get("client_id", ""), told.get("client_secret", ""))
