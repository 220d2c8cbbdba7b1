"""``./demo clients prune``: removes clients that registered themselves and that nobody uses any more.

Each installation of an MCP client registers anew, and the realm takes a limited number. What counts as use is a sign-in
or the registration itself, which Keycloak's own record of events holds, or a session that is open now.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from common import logs
from common.command import run as run_command
from common.settings import load
from fastmcp_vault.errors import InputError, Problem
from fastmcp_vault.printable import show
from init.keycloak_admin import RealmAdmin
from init.keycloak_realm import RECORDED, RECORDED_DAYS
from init.settings import InitSettings

DAYS: Final = 30

_DAY: Final = 86_400
_DRAWN = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""Ids that Keycloak draws for whoever registers by RFC 7591."""


class RecordTooShort(InputError):
    """The record of sign-ins does not go back as far as was asked: it cannot be known who was idle."""

    code = "record_too_short"


@dataclass(frozen=True, slots=True)
class Pruned:
    """Registered clients: how many there were, and the idle ones among them by id and name."""

    registered: int
    idle: tuple[tuple[str, str], ...]


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0 when done, 1 with one sentence why not."""
    parser = argparse.ArgumentParser(prog="./demo clients", description=__doc__)
    verbs = parser.add_subparsers(required=True, metavar="verb")
    prune_ = verbs.add_parser("prune", help="remove those that are idle")
    prune_.add_argument("--days", type=int, default=DAYS, help=f"idle for so long (default {DAYS}); 0: no session now")
    prune_.add_argument("--dry-run", action="store_true", help="show what would be removed, and remove nothing")
    chosen = parser.parse_args(arguments)
    logs.set_up("clients")
    try:
        settings = load(InitSettings)
        keycloak = RealmAdmin.of(settings)
        try:
            found = prune(keycloak, f"/{settings.keycloak_realm}", days=chosen.days, dry_run=chosen.dry_run)
        finally:
            keycloak.close()
    except Problem as problem:
        show(problem, file=sys.stderr)
        return 1
    for client_id, name in found.idle:
        show(f"  - {client_id} {name}".rstrip())
    done = "would be" if chosen.dry_run else "were"
    show(f"{len(found.idle)} of {found.registered} registered clients {done} removed.")
    return 0


def prune(
    keycloak: RealmAdmin, realm: str, *, days: int = DAYS, dry_run: bool = False, now: float | None = None
) -> Pruned:
    """Remove the registered clients of ``realm`` (a path) that were idle for ``days``; their consents go with them.

    ``now``: seconds since the epoch. Raises InputError for days that are not recorded, RecordTooShort,
    KeycloakUnavailable, KeycloakRefused.
    """
    if not 0 <= days <= RECORDED_DAYS:
        raise InputError(
            f"Sign-ins are recorded for {RECORDED_DAYS} days.", fix=f"Choose --days from 0 to {RECORDED_DAYS}."
        )
    cutoff = (time.time() if now is None else now) - days * _DAY
    registered = [client for client in keycloak.get(f"{realm}/clients", max=2000) if _registered_itself(client)]
    if days and registered:
        _require_record_since(keycloak, realm, cutoff)
    idle = [client for client in registered if not _used(keycloak, realm, client, since=cutoff if days else None)]
    for client in () if dry_run else idle:
        keycloak.delete(f"{realm}/clients/{client['id']}")
    return Pruned(len(registered), tuple((client["clientId"], client.get("name") or "") for client in idle))


def _registered_itself(client: dict[str, Any]) -> bool:
    """True for what init's registration policy makes of a stranger's client, with an id that nobody chose."""
    managed = "managed-by" in client.get("attributes", {})
    drawn = _DRAWN.fullmatch(client["clientId"]) is not None
    return bool(client["publicClient"] and client["consentRequired"] and drawn and not managed)


def _used(keycloak: RealmAdmin, realm: str, client: dict[str, Any], *, since: float | None) -> bool:
    if int(keycloak.get(f"{realm}/clients/{client['id']}/session-count")["count"]):
        return True
    if since is None:
        return False
    query = {"client": client["clientId"], "type": list(RECORDED), "dateFrom": _milliseconds(since), "max": 1}
    return bool(keycloak.get(f"{realm}/events", **query))


def _require_record_since(keycloak: RealmAdmin, realm: str, cutoff: float) -> None:
    """A record that began later says nothing about the days before."""
    if not keycloak.get(f"{realm}/events", type=list(RECORDED), dateTo=_milliseconds(cutoff), max=1):
        raise RecordTooShort(
            "The record of sign-ins does not go back so far, so nobody is known to be idle.",
            fix="Choose fewer --days; with 0, every client without an open session is removed.",
        )


def _milliseconds(seconds: float) -> str:
    return str(int(seconds * 1000))


if __name__ == "__main__":
    sys.exit(run_command(main))
