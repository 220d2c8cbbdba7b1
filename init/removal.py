"""People of a room leave without a trace: what they hold ends first, then what is stored of them, then who they are.

What stays is what was written once: the audit trail, Vault's audit log, Keycloak's events; and the ids of ended
sessions, by which every server goes on refusing a token that is not over yet.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Final, LiteralString

import psycopg

from fastmcp_vault.errors import StateUnavailable
from fastmcp_vault.state import Principal, State
from fastmcp_vault.state.drafts import owner_of
from fastmcp_vault.vault.admin import CONNECTIONS, VaultAdmin
from init import accounts, principals, vault_people
from init.keycloak_admin import RealmAdmin
from init.settings import InitSettings

AT_ONCE: Final = 8
"""People whose held credentials are ended at the same time."""

_CHATS = "secret/{}/chatbot"

_ROWS: tuple[LiteralString, ...] = (
    "DELETE FROM app_sessions WHERE sub = ANY(%(subs)s)",
    "DELETE FROM shared_traces WHERE sub = ANY(%(subs)s)",
    "DELETE FROM workshop_progress WHERE sub = ANY(%(subs)s)",
    "DELETE FROM approvals WHERE sub = ANY(%(subs)s)",
    "DELETE FROM account_requests WHERE sub = ANY(%(subs)s)",
    "DELETE FROM quota_overrides WHERE kind = 'person' AND id = ANY(%(subs)s)",
    "DELETE FROM suspended_principals WHERE kind = 'person' AND id = ANY(%(subs)s)",
    "DELETE FROM agent_commands WHERE created_by = ANY(%(names)s) OR created_by = ANY(%(subs)s)",
    "DELETE FROM drafts WHERE owner = ANY(%(owners)s)",
)
"""Everything in the shared state that is about a person, but for ended sessions and the register of living tokens."""


def empty(settings: InitSettings, names: Sequence[str]) -> list[str]:
    """End what these people hold, and forget what is stored of them; what could not be ended, a sentence each.

    Their accounts, entities and database roles stay, disabled: they go when the names are gone from the room and init
    runs. Safe to repeat. Raises Problem when a server does not answer.
    """
    keycloak = RealmAdmin.of(settings)
    vault = VaultAdmin(settings.vault_addr, settings.vault_token)
    try:
        keycloak.log_in()
        with ThreadPoolExecutor(AT_ONCE) as pool:
            found = pool.map(lambda name: (name, _shut_out(settings, keycloak, vault, name)), names)
            subs = {name: sub for name, sub in found if sub}
        left = asyncio.run(_end(settings, subs, _sessions(settings, list(subs.values()))))
        chats = _chats(vault)
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            stored = pool.map(lambda name: _forget(settings, vault, name, chats.get(subs.get(name, ""), ())), names)
            left += [line for lines in stored for line in lines]
        _forget_rows(settings, subs)
    finally:
        vault.close()
        keycloak.close()
    return left


def _shut_out(settings: InitSettings, keycloak: RealmAdmin, vault: VaultAdmin, name: str) -> str:
    """Nobody signs in as them any more; their id at Keycloak, or ""."""
    users = f"/{settings.keycloak_realm}/users"
    found = keycloak.get(users, username=name, exact="true")
    if found:
        keycloak.put(f"{users}/{found[0]['id']}", {"enabled": False})
    entity = vault.read(f"identity/entity/name/{name}") or {}
    bound = [str(alias["name"]) for alias in entity.get("aliases") or ()]
    return str(found[0]["id"]) if found else next(iter(bound), "")


async def _end(settings: InitSettings, subs: Mapping[str, str], sessions: Mapping[str, set[str]]) -> list[str]:
    """Every sign-in, Vault token and database user of theirs ends, at every server."""
    left: list[str] = []
    turns = asyncio.Semaphore(AT_ONCE)
    async with State(settings.state_dsn, application_name="people") as state, principals.opened(settings) as suspending:

        async def end(name: str, sub: str) -> None:
            async with turns:
                for sid in sessions.get(sub, ()):
                    await state.end_session(sid, sub)
                person = Principal("person", settings.issuer, sub)
                async for line, done in suspending.suspend(state, person, name, reason="removed from the room"):
                    left.extend([] if done else [line])

        await asyncio.gather(*(end(name, sub) for name, sub in subs.items()))
    return left


def _sessions(settings: InitSettings, subs: Sequence[str]) -> Mapping[str, set[str]]:
    """The ids of their sessions, at the app and at servers, by person."""
    found: dict[str, set[str]] = {}
    with _opened(settings) as state:
        rows = state.execute(
            "SELECT sub, sid FROM app_sessions WHERE sub = ANY(%(subs)s)"
            " UNION SELECT sub, sid FROM vault_tokens WHERE sub = ANY(%(subs)s)",
            {"subs": subs},
        )
        for sub, sid in rows:
            found.setdefault(sub, set()).add(sid)
    return found


def _chats(vault: VaultAdmin) -> Mapping[str, list[str]]:
    """The chats that are linked to somebody, by the person's id (mock_services/chatbot/links.py)."""
    found: dict[str, list[str]] = {}
    for chat in vault.names(_CHATS.format("metadata")):
        kept = vault.read(f"{_CHATS.format('data')}/{chat}") or {}
        found.setdefault(str((kept.get("data") or {}).get("sub", "")), []).append(chat)
    return found


def _forget(settings: InitSettings, vault: VaultAdmin, name: str, chats: Sequence[str]) -> list[str]:
    """Their connected accounts end at the providers, and everything in their folder goes; what did not end."""
    left = []
    vault_people.disable(vault, name)
    for found, why in accounts.end_all(vault, name, settings.providers()):
        if why:
            left.append(f"The account of {name} at {found.provider} is gone from Vault; it did not end there: {why}")
    folder = f"secret/metadata/users/{name}"
    for kind in vault.names(folder):
        vault.delete(f"{folder}/{kind}")
    for chat in chats:
        vault.delete(f"{_CHATS.format('metadata')}/{chat}")
    return left


def _forget_rows(settings: InitSettings, subs: Mapping[str, str]) -> None:
    known = {
        "subs": list(subs.values()),
        "names": list(subs),
        "owners": [owner_of(settings.issuer, sub) for sub in subs.values()],
    }
    with _opened(settings) as state:
        for statement in _ROWS:
            state.execute(statement, known)


@contextmanager
def _opened(settings: InitSettings) -> Iterator[psycopg.Connection[Any]]:
    """The shared state as the tables' owner, in one transaction. Raises StateUnavailable."""
    try:
        with psycopg.connect(settings.state_dsn.get_secret_value(), connect_timeout=5) as state:
            yield state
    except psycopg.Error as error:
        raise StateUnavailable("The shared state did not answer, while people were removed.") from error
