"""What a call's trace is told of a credential that was fetched, or was there already."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from fastmcp_vault.credentials.grant import STALE_SECONDS, Grant, holds_until
from fastmcp_vault.credentials.sources import C, Credential
from fastmcp_vault.errors import CredentialMissing, Problem
from fastmcp_vault.sentences import Sentence
from fastmcp_vault.tracing import OpenStep, current, reused, step
from fastmcp_vault.vault import VaultToken


def note_read(opened: OpenStep, credential: Credential, *, entity: str, server: str, login: VaultToken) -> None:
    """The step of a read: whose, where, and until when."""
    where = {"entity": entity, "server": server, "path": credential.path}
    opened.say(Sentence("{entity}'s own {server} credential was read at {path}.", **where))
    opened.detail(**_facts(credential))
    opened.valid(until=holds_until(credential, login))


@contextmanager
def noting_what_is_missing(opened: OpenStep) -> Iterator[None]:
    """The step of a read that brings nothing: where it should have been."""
    try:
        yield
    except CredentialMissing as missing:
        opened.detail(vault_path=missing.detail.get("path", ""))
        raise


def note_login_kept(grant: Grant[C], *, role: str, server: str) -> None:
    """The steps that were not needed, because the login made with them still holds."""
    if current() is None:
        return
    until, entity = grant.login.lease.expires_at, grant.entity
    known = {"entity_id": entity.id, "entity": entity.name}
    asked = _asked(grant) if grant.checked_at else {}
    ahead = {"made_ahead": True} if grant.ahead else {}
    for kind, sentence, detail in (
        (
            "token-exchange",
            Sentence("Not needed: the Vault login made with it still holds."),
            {"claims": dict(grant.traded)} | ahead,
        ),
        (
            "vault-login",
            Sentence("The login of {entity} through {client} still holds.", entity=entity.name, client=role),
            asked | ahead,
        ),
        ("entity", Sentence("Vault took the caller for the entity {entity}.", entity=entity.name), known | ahead),
    ):
        reused(kind, since=grant.made_at, until=until, server=server, sentence=sentence, **detail)


def note_credential_kept(grant: Grant[C], credential: C, *, server: str) -> None:
    """The read that was not needed."""
    if current() is None:
        return
    where = {"entity": grant.entity.name, "path": credential.path}
    sentence = Sentence("{entity}'s credential from {path} still holds.", **where)
    until, facts = holds_until(credential, grant.login), {**_facts(credential), **_asked(grant)}
    reused("credential", since=credential.read_at, until=until, server=server, sentence=sentence, **facts)


def note_failure(problem: Problem, server: str) -> None:
    """Where somebody else's attempt failed, in the trace of a call that waited for it."""
    kind = "token-exchange" if problem.part in ("keycloak", "session") else "vault-login"
    with suppress(Problem), step(kind, server=server):
        raise problem


def _asked(grant: Grant[C]) -> dict[str, Any]:
    return {"confirmed_at": grant.checked_at, "confirmed_every": STALE_SECONDS}


def _facts(credential: Credential) -> dict[str, Any]:
    """Where it lies, and whether it was stored or made on demand."""
    stored = {"version": credential.version, "written_at": credential.written_at}
    made = {"database_user": credential.username, "made_at": credential.read_at}
    return {
        "vault_path": credential.path,
        "masked_credential": credential.masked,
        **(made if credential.lease else stored),
        **credential.facts(),
    }
