"""What Vault holds for the person who is signed in, read as that person: their secrets, and database users on demand.

Knows no Streamlit. What it hands out holds secrets only where its name says so.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import psycopg
from pydantic import SecretStr

from app.actions import signed_in
from app.person_vault import PART, PersonLogin
from app.process import AppProcess
from app.texts import t
from fastmcp_vault import tracing
from fastmcp_vault.credentials.sources import masked_fields
from fastmcp_vault.errors import BackendRefused, BackendUnavailable, CredentialMissing, Problem
from fastmcp_vault.masking import mask
from fastmcp_vault.tracing import Recorder, Trace
from fastmcp_vault.vault import KVVersion

CONNECT_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Stored:
    """One KV secret, masked: its name below the person's path, its fields, its versions (the newest first)."""

    name: str
    path: str
    fields: dict[str, str]
    versions: list[KVVersion]
    problem: Problem | None = None


@dataclass(frozen=True, slots=True)
class OwnDatabaseUser:
    """A database user without its password. ``until`` in seconds since the epoch; ``lives``: it still opens."""

    username: str
    masked: str
    until: float
    lives: bool


@dataclass(frozen=True, slots=True)
class Mine:
    """All that is the person's: whom Vault takes them for, until when (seconds since the epoch), and what it holds."""

    entity: str
    policies: tuple[str, ...]
    until: float
    stored: list[Stored]
    user: OwnDatabaseUser | None


@dataclass(frozen=True, slots=True)
class Answered:
    """What PostgreSQL said to the database user: who it is there, and the tables that it may read."""

    user: str
    tables: list[str]
    milliseconds: float


@dataclass(frozen=True, slots=True)
class SecretsDone:
    """An action that is over: its trace, what the person has now, what PostgreSQL said; or why not."""

    trace: Trace
    mine: Mine | None = None
    answered: Answered | None = None
    problem: Problem | None = None


async def look(process: AppProcess, cookie: str) -> SecretsDone:
    """Everything as it is now."""
    return await _as_person(process, cookie, t("action.own-look"), lambda held: _mine(process, held))


async def make_user(process: AppProcess, cookie: str) -> SecretsDone:
    """A new database user; the one before, if it lives, is ended first."""

    async def work(held: PersonLogin) -> Mine:
        await process.person_vault.make_user(held)
        return await _mine(process, held)

    async def afresh(held: PersonLogin) -> Mine | None:
        if not held.user_lives(time.time()):
            return await work(held)
        await process.person_vault.revoke(held)
        return None

    done = await _as_person(process, cookie, t("action.own-user"), afresh)
    return done if done.mine or done.problem else await _as_person(process, cookie, t("action.own-user"), work)


async def renew(process: AppProcess, cookie: str) -> SecretsDone:
    """The time of the login and of the database user begins anew, within their longest."""

    async def work(held: PersonLogin) -> Mine:
        if not held.user_lives(time.time()):
            raise CredentialMissing(t("own.user.over"), fix=t("own.user.over.fix"))
        await process.person_vault.renew(held)
        return await _mine(process, held)

    return await _as_person(process, cookie, t("action.own-renew"), work)


async def revoke(process: AppProcess, cookie: str) -> SecretsDone:
    """End the login and the database user with it. What the person has afterwards takes a new login to see."""

    async def work(held: PersonLogin) -> None:
        await process.person_vault.revoke(held)

    return await _as_person(process, cookie, t("action.own-revoke"), work)


async def reveal(process: AppProcess, cookie: str, name: str, version: int) -> dict[str, SecretStr]:
    """One version of one secret, with its values. Raises Problem."""
    session = await process.sessions.renewed(cookie)

    async def work(held: PersonLogin) -> dict[str, SecretStr]:
        found = await process.vault.kv_read(held.login.token, f"users/{held.entity.name}/{name}", version=version)
        return dict(found.data)

    with tracing.recording(Recorder(t("action.own-reveal", name=name))):
        return await process.person_vault.use(session, work)


async def password(process: AppProcess, cookie: str) -> SecretStr:
    """The database user's password. Raises CredentialMissing when there is no such user, SessionEnded."""
    session = await process.sessions.renewed(cookie)

    async def work(held: PersonLogin) -> SecretStr:
        if held.user is None:
            raise CredentialMissing(t("own.user.none"))
        return held.user.password

    return await process.person_vault.use(session, work)


async def try_user(process: AppProcess, cookie: str) -> SecretsDone:
    """Connect to the database as the user that was made, alive or not, and ask who one is there."""
    found: list[Answered] = []

    async def work(held: PersonLogin) -> Mine:
        if held.user is None:
            raise CredentialMissing(t("own.user.none"))
        with tracing.step("own-database", server=PART) as opened:
            answered = await _ask(process, held.user.username, held.user.password)
            opened.say(t("step.own-tried", user=answered.user))
        found.append(answered)
        return await _mine(process, held)

    done = await _as_person(process, cookie, t("action.own-try"), work)
    return SecretsDone(done.trace, done.mine, found[0] if found else None, done.problem)


async def _as_person(
    process: AppProcess, cookie: str, action: str, work: Callable[[PersonLogin], Awaitable[Mine | None]]
) -> SecretsDone:
    recorder = Recorder(action)
    with tracing.recording(recorder):
        try:
            session = await signed_in(process, cookie)
            return SecretsDone(recorder.trace, await process.person_vault.use(session, work))
        except Problem as problem:
            return SecretsDone(recorder.trace, problem=problem)


async def _mine(process: AppProcess, held: PersonLogin) -> Mine:
    with tracing.step("own-secret", server=PART) as opened:
        names = await process.vault.list_keys(held.login.token, f"secret/metadata/users/{held.entity.name}")
        stored = await asyncio.gather(*(_stored(process, held, name) for name in names if not name.endswith("/")))
        opened.say(t("step.own-read", count=len(stored), entity=held.entity.name))
    return Mine(held.entity.name, held.login.policies, held.login.lease.expires_at, list(stored), _user(held))


async def _stored(process: AppProcess, held: PersonLogin, name: str) -> Stored:
    path = f"users/{held.entity.name}/{name}"
    shown = process.vault.kv_path(path)
    versions: list[KVVersion] = []
    try:
        versions = await process.vault.kv_versions(held.login.token, path)
        found = await process.vault.kv_read(held.login.token, path)
    except CredentialMissing as problem:
        return Stored(name, shown, {}, versions, problem)
    told = {field: t("own.not-text", kind=t(f"own.kind.{kind}")) for field, kind in found.not_text.items()}
    return Stored(name, shown, masked_fields(found.data) | told, versions)


def _user(held: PersonLogin) -> OwnDatabaseUser | None:
    user = held.user
    if user is None:
        return None
    return OwnDatabaseUser(
        user.username, mask(user.password.get_secret_value()), user.until, held.user_lives(time.time())
    )


async def _ask(process: AppProcess, username: str, password: SecretStr) -> Answered:
    """One connection of its own, as this user. Raises BackendRefused with the database's words, BackendUnavailable."""
    settings, began = process.settings, time.perf_counter()
    try:
        connection = await psycopg.AsyncConnection.connect(
            host=settings.postgres_host,
            port=settings.postgres_port,
            sslmode=settings.postgres_sslmode,
            dbname=settings.postgres_database,
            user=username,
            password=password.get_secret_value(),
            connect_timeout=CONNECT_SECONDS,
            application_name="mcp-demo-app",
        )
        async with connection:
            who = await (await connection.execute("SELECT session_user")).fetchone()
            rows = await (await connection.execute(_READABLE)).fetchall()
    except psycopg.OperationalError as error:
        said = str(error).strip().splitlines()[-1:] or [type(error).__name__]
        if "password authentication failed" in str(error) or "does not exist" in str(error):
            raise BackendRefused(t("own.user.refused", user=username), fix=t("own.user.refused.fix")) from error
        raise BackendUnavailable(t("own.user.away", said=said[0]), fix=t("own.user.away.fix")) from error
    took = (time.perf_counter() - began) * 1000
    return Answered(str(who[0]) if who else "", [str(name) for (name,) in rows], took)


_READABLE = """SELECT table_schema || '.' || table_name FROM information_schema.tables
WHERE table_schema NOT IN ('pg_catalog', 'information_schema') ORDER BY 1"""
"""The tables that this user has any right to."""
