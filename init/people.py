"""``./demo people offboard NAME``: somebody leaves. Sign-ins, Vault's tokens and users, and connected accounts end."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from urllib.parse import quote

from common import logs
from common.command import run as run_command
from common.settings import load
from fastmcp_vault.errors import InputError, Problem
from fastmcp_vault.printable import show
from fastmcp_vault.vault.admin import VaultAdmin
from init import accounts, vault_people
from init.keycloak_admin import RealmAdmin
from init.settings import InitSettings
from init.users import NAME


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0 when all of it ended, 3 when something is left that the lines name, 1 with a sentence why not."""
    parser = argparse.ArgumentParser(prog="./demo people", description=__doc__)
    verbs = parser.add_subparsers(required=True, metavar="verb")
    leave = verbs.add_parser("offboard", help="end everything that somebody can reach here; what is stored stays")
    leave.add_argument("name", metavar="NAME")
    chosen = parser.parse_args(arguments)
    logs.set_up("people")
    left = 0
    try:
        for line, done in offboard(load(InitSettings), chosen.name):
            left += not done
            show(line)
    except Problem as problem:
        show(str(problem), file=sys.stderr)
        return 1
    return 3 if left else 0


def offboard(settings: InitSettings, name: str) -> Iterator[tuple[str, bool]]:
    """What was done, line by line, and whether it was; in the order in which it shuts the doors.

    Raises InputError for a name that is nobody's, and whatever Problem a server answers with.
    """
    if not NAME.fullmatch(name):
        raise InputError(f"{name!r} is no user name.", fix="Give the name that stands in `init/users.yaml`.")
    keycloak = RealmAdmin(
        settings.keycloak_url, username=settings.keycloak_admin, password=settings.keycloak_admin_password
    )
    vault = VaultAdmin(settings.vault_addr, settings.vault_token)
    try:
        keycloak.log_in()
        yield _signed_out(settings, keycloak, name), True
        entity = vault.read(f"identity/entity/name/{name}")
        if entity is not None:
            vault.write(f"identity/entity/name/{name}", {"disabled": True})
            yield f"Vault refuses every token of {name}'s.", True
        vault_people.end_database_users(vault, name)
        yield f"{name}'s database users are dropped.", True
        for found, why in accounts.end_all(vault, name, settings.providers()):
            if why:
                yield f"The account at {found.provider} is gone from Vault; the provider did not end it: {why}", False
            else:
                yield f"The account at {found.provider} is ended there and gone from Vault.", True
        yield (
            f"What is stored for {name} stays, until the name is gone from the users file and `./demo init` has run.",
            True,
        )
    finally:
        vault.close()
        keycloak.close()


def _signed_out(settings: InitSettings, keycloak: RealmAdmin, name: str) -> str:
    """Nobody signs in as them any more, and who is signed in is signed out everywhere."""
    users = f"/{settings.keycloak_realm}/users"
    found = keycloak.get(users, username=name, exact="true")
    if not found:
        return f"Keycloak has no account {name}."
    user = f"{users}/{quote(str(found[0]['id']))}"
    keycloak.put(user, {**keycloak.get(user), "enabled": False})
    keycloak.post(f"{user}/logout", {})
    return f"{name} cannot sign in any more, and is signed out everywhere."


if __name__ == "__main__":
    sys.exit(run_command(main))
