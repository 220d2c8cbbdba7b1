"""Signing demo people in by password at the lab's clients (RFC 6749 §4.3), few at once."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import httpx2

from app.lab.people import DemoPerson
from app.lab.targets import Targets

AT_ONCE = 2
"""A sign-in costs Keycloak some three times as much as an exchange of tokens. During thirty at once, exchanges came
after up to ten seconds, longer than any server waits for them; with two at once, within one."""


async def granted(
    http: httpx2.AsyncClient,
    targets: Targets,
    person: DemoPerson,
    *,
    client: Mapping[str, str],
    turns: asyncio.Semaphore,
    scope: str = "",
) -> httpx2.Response:
    """Keycloak's answer to a person's password; ``client``: its own id and secret. ``turns``: of the whole process."""
    grant = {"grant_type": "password", "username": person.username, "password": person.password.get_secret_value()}
    asked = {**grant, **client, **({"scope": scope} if scope else {})}
    async with turns:
        return await http.post(f"{targets.openid}/token", data=asked)
