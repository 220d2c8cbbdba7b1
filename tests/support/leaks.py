"""What a run left behind: Vault tokens and database users that no signed-in person explains."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import httpx2
import psycopg

from stack.processes import wait_until
from stack.testing import Stack
from tests.support import people

PATIENCE = 30.0
"""Seconds until what has just ended must be gone."""


class NotListed(Exception):
    """Vault does not say which tokens live; the message holds its answer."""


def leaks(stack: Stack) -> list[str]:
    """One line for each thing that should be gone, once PATIENCE is over; as a rule none.

    Where it cannot be found out, one line that says why: the run's own report is not lost for that.
    """
    found: list[str] = []
    for _ in wait_until(time.monotonic() + PATIENCE):
        try:
            found = [*_tokens(stack), *_database_users(stack)]
        except (NotListed, httpx2.HTTPError, psycopg.Error) as error:
            found = [f"What was left behind could not be found out: {type(error).__name__}: {error}"]
        if not found:
            break
    return found


def _tokens(stack: Stack) -> Iterator[str]:
    """Each session has one Vault token at each server at most, and none once it has ended."""
    counted = Counter((meta["server"], meta["username"], meta["sid"]) for meta in held(stack))
    with psycopg.connect(stack.environment("init")["STATE_DSN"]) as connection:
        ended = {sid for (sid,) in connection.execute("SELECT sid FROM ended_sessions")}
    for (server, username, sid), count in counted.items():
        if sid in ended:
            yield f"{username}'s session has ended, and {count} of its Vault tokens live at {server}"
        elif count > 1:
            yield f"{username} has {count} Vault tokens at {server} for one session"


def _database_users(stack: Stack) -> Iterator[str]:
    """A database user lives no longer than the Vault token that it hangs on."""
    entitled = Counter(meta["username"] for meta in held(stack) if meta["server"] in ("mcp-postgres", "mcp-demo-app"))
    with psycopg.connect(
        host="localhost",
        port=stack.ports["postgres"],
        user="postgres",
        password=stack.secrets["POSTGRES_ADMIN_PASSWORD"],
    ) as connection:
        roles = [name for (name,) in connection.execute("SELECT rolname FROM pg_roles WHERE rolname LIKE 'v-%'")]
    known = people.read_users(stack.instance.users_file)
    for username, count in Counter(role.split("-")[1] for role in roles).items():
        if username in known and count > entitled[username]:
            yield f"{username} has {count} database users, but {entitled[username]} Vault tokens to have made them with"


def held(stack: Stack) -> list[Mapping[str, Any]]:
    """The metadata of every live Vault token that was made for a person. Raises NotListed."""
    with httpx2.Client(
        base_url=f"{stack.url('openbao')}/v1", headers={"X-Vault-Token": stack.secrets["VAULT_TOKEN"]}, trust_env=False
    ) as vault:
        accessors = _data(vault.request("LIST", "/auth/token/accessors"))["keys"]
        looked_up = [vault.post("/auth/token/lookup-accessor", json={"accessor": a}) for a in accessors]
    metas = [_data(answer).get("meta") or {} for answer in looked_up if answer.is_success]
    return [meta for meta in metas if {"server", "username", "sid"} <= meta.keys()]


def _data(answer: httpx2.Response) -> Mapping[str, Any]:
    """What Vault's answer holds. Raises NotListed where it holds nothing: an error, or a Vault that is sealed."""
    try:
        return dict(answer.json()["data"])
    except (ValueError, TypeError, KeyError):
        raise NotListed(f"Vault answered HTTP {answer.status_code}: {answer.text[:300]}") from None
