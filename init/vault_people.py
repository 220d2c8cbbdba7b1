"""Vault's part per person: entity and alias, KV credentials written once, and the database role."""

from __future__ import annotations

from collections.abc import Callable, Collection, Container, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeVar

from common.servers import SERVERS
from fastmcp_vault.accounts.provider import Provider
from fastmcp_vault.vault.admin import CONNECTIONS, MADE_BY_VAULT, VaultAdmin
from init import accounts
from init.keycloak_people import PeoplesAccounts
from init.ledger import Ledger
from init.shop import SHOP
from init.shop_limits import CONNECTIONS as OF_ONE_PERSON
from init.users import Entitled
from init.vault import differs, jwt_accessor

PART: Final = "vault"
OURS = {"managed_by": "init"}
"""The mark on what init made: only that is ever removed."""

PARTNER = "partner"
"""The metadata that names whose Jira credential this person may store (init/users.py)."""

_MARK = "/* managed by init */"
_KV_KINDS = tuple(name for name, spec in SERVERS.items() if spec.secret)
_TTL, _LONGEST = 600, 3600

_REVOCATION = """DO $$ BEGIN
IF EXISTS (SELECT FROM pg_roles WHERE rolname = '{{name}}') THEN
  EXECUTE 'ALTER ROLE "{{name}}" NOLOGIN';
  PERFORM pg_terminate_backend(pid, 1000) FROM pg_stat_activity WHERE usename = '{{name}}';
  EXECUTE 'DROP OWNED BY "{{name}}"';
  EXECUTE 'DROP ROLE "{{name}}"';
END IF;
END $$"""
"""Ends the connections, then what the role owns, then the role; already gone is fine, so a retry succeeds."""

T = TypeVar("T")


def provision(
    vault: VaultAdmin,
    users: Sequence[Entitled],
    known: PeoplesAccounts,
    ledger: Ledger,
    providers: Mapping[str, Provider] | None = None,
    *,
    names: Container[str] | None = None,
) -> None:
    """Bring Vault to what ``users`` say; ``known``: their accounts at Keycloak.

    ``providers``: where the accounts end that somebody connected who is no user any more, or disabled at Keycloak.
    ``names``: whom this run is about; everybody else is left as they are, without a look. None: it is about everybody.
    """
    ready, ids = bool(jwt_accessor(vault)), known.ids
    about: Container[str] = _Everybody() if names is None else names
    users = [user for user in users if user.username in about]
    _entities(vault, users, ids, ledger, about, ready=ready)
    _credentials(vault, users, ledger, about, ready=ready)
    _accounts(vault, users, known.disabled, ledger, providers or {}, about, ready=ready)
    _database_roles(vault, users, ids, ledger, about, ready=ready)


class _Everybody(Container[str]):
    def __contains__(self, name: object) -> bool:
        return True


def bound(vault: VaultAdmin) -> dict[str, str]:
    """The name of each account's entity, by the account's id at Keycloak; those that Vault made by itself left out."""
    accessor = jwt_accessor(vault)
    listed = vault.list("identity/entity/id").get("key_info") or {}
    return {
        alias["name"]: info["name"]
        for info in listed.values()
        for alias in info.get("aliases") or []
        if accessor and alias["mount_accessor"] == accessor and not info["name"].startswith(MADE_BY_VAULT)
    }


def _entities(
    vault: VaultAdmin,
    users: Sequence[Entitled],
    ids: Mapping[str, str],
    ledger: Ledger,
    about: Container[str],
    *,
    ready: bool,
) -> None:
    accessor = jwt_accessor(vault)
    listed = vault.list("identity/entity/id").get("key_info") or {}
    entities: dict[str, str] = {info["name"]: entity for entity, info in listed.items()}
    owner_of: dict[str, str] = {
        alias["name"]: entity
        for entity, info in listed.items()
        for alias in info.get("aliases") or []
        if alias["mount_accessor"] == accessor
    }

    def settle(user: Entitled) -> None:
        _entity(vault, ledger, user, ids.get(user.username, ""), entities, owner_of)

    _each(settle, users)
    gone = sorted(name for name in entities.keys() - {user.username for user in users} if name in about)
    _each(lambda name: _remove_entity(vault, ledger, name, entities[name]), gone)


def _entity(
    vault: VaultAdmin,
    ledger: Ledger,
    user: Entitled,
    sub: str,
    entities: Mapping[str, str],
    owner_of: Mapping[str, str],
) -> None:
    name = user.username
    entity = entities.get(name)

    def bind(entity_id: str) -> None:
        # Names a mount and a `sub`: an alias that Vault made for an unknown caller moves here with it.
        vault.write(
            "identity/entity-alias",
            {"name": sub, "canonical_id": entity_id, "mount_accessor": jwt_accessor(vault)},
        )

    def create() -> None:
        bind(vault.write("identity/entity", {"name": name, "metadata": metadata(user)})["id"])

    if not sub and not ledger.dry_run:
        ledger.left(PART, "entity", name, note="no account at Keycloak that is this person's")
    elif entity is None:
        ledger.created(PART, "entity", name, create)
    elif owner_of.get(sub) != entity:
        ledger.changed(PART, "entity", name, lambda: _rebind(vault, entity, owner_of, bind), note="alias")
    else:
        _settle_partner(vault, ledger, user, entity)


def metadata(user: Entitled) -> dict[str, str]:
    """What an entity says of the person; policies fill in the partner's name (init/vault_policies.py)."""
    return OURS | ({PARTNER: user.partner} if user.partner else {})


def _settle_partner(vault: VaultAdmin, ledger: Ledger, user: Entitled, entity: str) -> None:
    path = f"identity/entity/id/{entity}"
    found = (vault.read(path) or {}).get("metadata") or {}
    wanted = {key: value for key, value in found.items() if key != PARTNER}
    wanted |= {PARTNER: user.partner} if user.partner else {}
    ledger.settle(
        PART,
        "entity",
        user.username,
        exists=True,
        equal=found == wanted,
        act=lambda: vault.write(path, {"metadata": wanted}),
        note="partner",
    )


def _rebind(vault: VaultAdmin, entity: str, owner_of: Mapping[str, str], bind: Callable[[str], None]) -> None:
    """One alias per mount: the one of a Keycloak user who is gone makes room for the one who is there."""
    stale = {sub for sub, owner in owner_of.items() if owner == entity}
    found = vault.read(f"identity/entity/id/{entity}") or {}
    for alias in found.get("aliases") or []:
        if alias["name"] in stale:
            vault.delete(f"identity/entity-alias/id/{alias['id']}")
    bind(entity)


def _remove_entity(vault: VaultAdmin, ledger: Ledger, name: str, entity: str) -> None:
    found = vault.read(f"identity/entity/id/{entity}") or {}
    if not differs(found.get("metadata"), OURS):
        ledger.removed(PART, "entity", name, lambda: vault.delete(f"identity/entity/id/{entity}"))


def _credentials(
    vault: VaultAdmin, users: Sequence[Entitled], ledger: Ledger, about: Container[str], *, ready: bool
) -> None:
    wanted = {f"{user.username}/{kind}": data for user in users for kind, data in user.entitlements.secrets().items()}
    people = {name.rstrip("/") for name in vault.list("secret/metadata/users")["keys"]} if ready else set()
    people = {name for name in people if name in about} | {user.username for user in users}
    candidates = sorted({f"{name}/{kind}" for name in people for kind in _KV_KINDS} | wanted.keys())
    _each(lambda path: _credential(vault, ledger, path, wanted.get(path), readable=ready), candidates)


def _credential(vault: VaultAdmin, ledger: Ledger, path: str, data: dict[str, str] | None, *, readable: bool) -> None:
    """One KV secret. What it holds is never compared nor overwritten: people change their credentials."""
    metadata = vault.read(f"secret/metadata/users/{path}") if readable else None
    shown = f"secret/data/users/{path}"
    if data is None:
        if metadata is not None and not differs(metadata.get("custom_metadata"), OURS):
            ledger.removed(PART, "credential", shown, lambda: vault.delete(f"secret/metadata/users/{path}"))
        return

    def create() -> None:
        # The mark first: a secret without it would never be removed again.
        vault.write(f"secret/metadata/users/{path}", {"custom_metadata": OURS})
        vault.write(f"secret/data/users/{path}", {"data": data, "options": {"cas": 0}})

    if metadata is None or not metadata.get("current_version"):
        ledger.created(PART, "credential", shown, create)
    else:
        ledger.unchanged(PART, "credential", shown)


def _accounts(
    vault: VaultAdmin,
    users: Sequence[Entitled],
    disabled: Collection[str],
    ledger: Ledger,
    providers: Mapping[str, Provider],
    about: Container[str],
    *,
    ready: bool,
) -> None:
    """What was connected by who is no user any more, or disabled: ended at the provider, then destroyed."""
    there = {name.rstrip("/") for name in vault.list("secret/metadata/users")["keys"]} if ready else set()
    staying = {user.username for user in users} - {*disabled}
    for name in sorted(name for name in there - staying if name in about):
        for found in accounts.of_person(vault, name):
            left = "" if ledger.dry_run else accounts.end(vault, found, providers)
            note = f"not ended at the provider: {left}" if left else ""
            ledger.removed(PART, "account", f"secret/data/{found.path}", lambda: None, note=note)


def _database_roles(
    vault: VaultAdmin,
    users: Sequence[Entitled],
    ids: Mapping[str, str],
    ledger: Ledger,
    about: Container[str],
    *,
    ready: bool,
) -> None:
    wanted = {
        user.username: database_role(user.entitlements.postgres.grants, person=ids.get(user.username, ""))
        for user in users
        if user.entitlements.postgres
    }
    there = {name for name in vault.list("database/roles")["keys"] if name in about} if ready else set()
    _each(
        lambda name: _database_role(vault, ledger, name, wanted.get(name), name in there), sorted(wanted.keys() | there)
    )


def database_role(grants: Iterable[str], *, person: str = "") -> dict[str, Any]:
    """One person's role: makes a login role that is a member of ``grants``, and ends it (Vault API: database/roles).

    ``person``: the user id (``sub``) by which a person's database users are counted together (init/shop_limits.sql).
    None of them may become (SET ROLE) one of the ``grants``, which other people share.
    """
    create = [
        f'{_MARK} CREATE ROLE "{{{{name}}}}" LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE'
        f" CONNECTION LIMIT {OF_ONE_PERSON} PASSWORD '{{{{password}}}}' VALID UNTIL '{{{{expiration}}}}'",
        f'GRANT {", ".join(sorted(grants))} TO "{{{{name}}}}" WITH INHERIT TRUE, SET FALSE',
        "ALTER ROLE \"{{name}}\" SET statement_timeout = '10s'",
        "ALTER ROLE \"{{name}}\" SET transaction_timeout = '30s'",
        "ALTER ROLE \"{{name}}\" SET idle_in_transaction_session_timeout = '30s'",
    ]
    if person:
        create.append(f"COMMENT ON ROLE \"{{{{name}}}}\" IS 'person {person}'")
    return {
        "db_name": SHOP,
        "creation_statements": create,
        "revocation_statements": [_REVOCATION],
        "default_ttl": _TTL,
        "max_ttl": _LONGEST,
    }


def _database_role(vault: VaultAdmin, ledger: Ledger, name: str, wanted: dict[str, Any] | None, there: bool) -> None:
    path = f"database/roles/{name}"
    found = vault.read(path) if there else None
    if wanted is not None:
        faults = differs(found, wanted)
        ledger.settle(
            PART,
            "database role",
            name,
            exists=there,
            equal=not faults,
            act=lambda: _write_database_role(vault, name, wanted, there),
            note=", ".join(faults) if there else "",
        )
    elif any(_MARK in statement for statement in (found or {}).get("creation_statements", ())):
        ledger.removed(PART, "database role", name, lambda: _end_database_role(vault, name))


def _write_database_role(vault: VaultAdmin, name: str, role: dict[str, Any], there: bool) -> None:
    vault.write(f"database/roles/{name}", role)
    if there:
        end_database_users(vault, name)


def _end_database_role(vault: VaultAdmin, name: str) -> None:
    vault.delete(f"database/roles/{name}")
    end_database_users(vault, name)


def disable(vault: VaultAdmin, name: str) -> None:
    """Vault refuses every token of this person's, if there is such a person.

    Only when what is held for them has ended: such a token cannot end itself any more, and OpenBao's refusal has the
    words of one for a token that is gone.
    """
    if vault.read(f"identity/entity/name/{name}") is not None:
        vault.write(f"identity/entity/name/{name}", {"disabled": True})


def end_database_users(vault: VaultAdmin, name: str) -> None:
    """Those already made would keep what was taken away until their lease's end."""
    vault.write(f"sys/leases/revoke-prefix/database/creds/{name}", {})


def _each(act: Callable[[T], None], items: Iterable[T]) -> None:
    """``act`` on every item, some at a time; the first failure is raised when all that had begun are through."""
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        list(pool.map(act, items))
