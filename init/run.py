"""One provisioning run: people checked, the three servers waited for, Keycloak and PostgreSQL, then Vault."""

from __future__ import annotations

import threading
from collections.abc import Callable, Container, Mapping
from concurrent.futures import ThreadPoolExecutor

from fastmcp_vault.errors import InputError
from fastmcp_vault.vault.admin import VaultAdmin
from init import (
    keycloak,
    postgres,
    vault,
    vault_application,
    vault_approles,
    vault_chatbot,
    vault_people,
    vault_pki,
    vault_retired,
    vault_room,
    vault_tokens,
)
from init.keycloak_people import PeoplesAccounts
from init.ledger import Ledger, Part
from init.settings import InitSettings
from init.users import User, load_people, refuse_published
from init.waiting import wait_until_ready

PARTS: tuple[Part, ...] = ("keycloak", "postgresql", "vault")


def run(
    settings: InitSettings, *, dry_run: bool = False, only: Part | None = None, names: Container[str] | None = None
) -> Ledger:
    """Bring everything, or ``only`` one part, to what the settings and the users file (or Keycloak's group) say.

    With ``dry_run`` nothing is written: the ledger is then the plan. ``names``: whom the run is about, in Vault; the
    others' entities, credentials and database roles are not looked at.

    Raises InputError before anything is written in Vault when the users file cannot be used (outside the demo: holds
    anything of the demo's people) or when a root token is given for a Vault that is not the demo's own; NotReady when
    a server does not come up within ``wait_seconds``, and whatever Problem a server answers with. What
    was done until then stays, and the next run finishes it.
    """
    users = () if settings.people_group else load_people(settings.users_file, settings.room_file)
    if not settings.demo and not settings.people_group:
        refuse_published(users, settings.users_file)
    ledger = Ledger(dry_run=dry_run)
    admin = VaultAdmin(settings.vault_addr, settings.vault_token)
    try:
        with ThreadPoolExecutor(3) as pool:
            # Vault is provisioned while Keycloak starts. Only its JWT login, which Vault checks against the realm, and
            # its entities, which need the people's ids, wait for Keycloak; so Keycloak is at least read.
            realm = threading.Event()
            in_keycloak = ledger if only in (None, "keycloak") else _reader()
            bound = pool.submit(_bound, settings, admin)
            people = pool.submit(_keycloak, settings, users, in_keycloak, realm.set, bound.result)
            people.add_done_callback(lambda _: realm.set())
            tables = pool.submit(_postgres, settings, ledger) if only in (None, "postgresql") else None
            wait_until_ready("Vault", admin.ready, within=settings.wait_seconds)
            if only in (None, "vault") and not settings.own_vault:
                _refuse_root(admin)
            if tables:
                tables.result()
            if only in (None, "vault"):
                _vault(settings, admin, ledger)
                realm.wait()
                if not (people.done() and people.exception()):
                    vault.jwt_login(settings, admin, ledger)
            known = people.result()
            for name, note in known.left:
                ledger.left("keycloak", "user", name, note=note)
        if only in (None, "vault"):
            everybody = known.people if settings.people_group else users
            vault_people.provision(admin, everybody, known, ledger, settings.providers(), names=names)
            if settings.own_vault:
                vault_retired.provision(admin, ledger)
    finally:
        admin.close()
    return ledger


def _refuse_root(admin: VaultAdmin) -> None:
    """Raise InputError for a token that may do more than provision."""
    if "root" in ((admin.read("auth/token/lookup-self") or {}).get("policies") or ()):
        raise InputError(
            "VAULT_TOKEN is a root token, and this Vault is not the demo's own.",
            fix="Make one that may provision and no more: `./demo init --policy FILE` writes the policy.",
        )


def _bound(settings: InitSettings, admin: VaultAdmin) -> dict[str, str]:
    """Which account (its id at Keycloak) each entity is bound to, once Vault can be read."""
    wait_until_ready("Vault", admin.ready, within=settings.wait_seconds)
    return vault_people.bound(admin)


def _reader() -> Ledger:
    return Ledger(dry_run=True)


def _keycloak(
    settings: InitSettings,
    users: tuple[User, ...],
    ledger: Ledger,
    realm_stands: Callable[[], object],
    bound: Callable[[], Mapping[str, str]],
) -> PeoplesAccounts:
    wait_until_ready("Keycloak", lambda: keycloak.check_ready(settings), within=settings.wait_seconds)
    return keycloak.provision(settings, users, ledger, realm_stands=realm_stands, bound=bound)


def _vault(settings: InitSettings, admin: VaultAdmin, ledger: Ledger) -> None:
    vault.provision(settings, admin, ledger)
    vault_pki.provision(settings, admin, ledger)
    if settings.own_vault:
        vault_room.provision(settings, admin, ledger)
    vault_approles.provision(settings, admin, ledger)
    vault_tokens.provision(admin, ledger)
    vault_chatbot.provision(settings, admin, ledger)
    if settings.vault_client_config is not None:
        vault_application.provision(settings, admin, ledger, settings.vault_client_config)


def _postgres(settings: InitSettings, ledger: Ledger) -> None:
    wait_until_ready("PostgreSQL", lambda: postgres.as_superuser(settings).close(), within=settings.wait_seconds)
    postgres.provision(settings, ledger)
