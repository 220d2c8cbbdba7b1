"""People and what they hold: reads and checks ``users.yaml``, and the room's people, before anything is written."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, create_model, field_validator

from common.published import is_published
from common.servers import SERVERS, ServerSpec
from common.users_file import Loader
from fastmcp_vault.credentials.sources import OPEN_FIELDS
from fastmcp_vault.errors import InputError

NAME = re.compile(r"[a-z][a-z0-9_-]{0,30}")
"""Safe as a Vault path segment, inside a templated policy and in a PostgreSQL role name; one spelling per person.

Vault and OpenBao skip a policy stanza whose templated value holds ``+``, ``*`` or ``/`` (CVE-2026-71543,
CVE-2026-5006), and Keycloak folds upper case.
"""

GRANTS = {
    "shop_read": "may read every table",
    "orders_write": "may change orders and their items",
    "catalog_write": "may change products",
}
"""The rights that an entitlement to PostgreSQL may name: NOLOGIN group roles of the database ``shop``."""

REALM_ROLES = ("facilitator",)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class StoredCredential(_Strict):
    """What lies in Vault's KV engine for one server: its fields are the secret's."""


class PostgresGrants(_Strict):
    """The group roles that this person's database users are members of."""

    grants: tuple[str, ...] = Field(min_length=1)

    @field_validator("grants")
    @classmethod
    def _known(cls, grants: tuple[str, ...]) -> tuple[str, ...]:
        unknown = sorted(set(grants) - GRANTS.keys())
        if unknown:
            raise ValueError(f"unknown grant {', '.join(unknown)}; there are {', '.join(GRANTS)}")
        return tuple(sorted(set(grants)))


class HeldByPerson(_Strict):
    """What one person holds; a server that is not named is not theirs. Each stored secret is a field of its own."""

    postgres: PostgresGrants | None = None

    def secrets(self) -> dict[str, dict[str, str]]:
        """The KV secrets of this person, by the last part of their path."""
        return {
            name: {key: _plain(value) for key, value in credential}
            for name, credential in self
            if isinstance(credential, StoredCredential)
        }


def _stored(spec: ServerSpec) -> type[StoredCredential]:
    fields = {name: (str if name in OPEN_FIELDS else SecretStr, Field(min_length=1)) for name in spec.secret}
    return create_model(f"{spec.title}Credential", __base__=StoredCredential, **fields)  # type: ignore[call-overload, no-any-return]


if TYPE_CHECKING:
    Entitlements = HeldByPerson
else:
    Entitlements = create_model(
        "Entitlements",
        __base__=HeldByPerson,
        **{name: (_stored(spec) | None, None) for name, spec in SERVERS.items() if spec.secret},
    )


class Entitled(_Strict):
    """One person as Vault is to know them."""

    username: str
    partner: str = ""
    """Who plays bob for this person in the workshop: this person may store the partner's Jira credential in Vault."""
    entitlements: Entitlements = Entitlements()

    @field_validator("username")
    @classmethod
    def _safe(cls, name: str) -> str:
        if not NAME.fullmatch(name):
            raise ValueError(
                "a username is a part of a Vault path, of a policy and of a PostgreSQL role: it starts with a"
                " lower-case letter and holds only lower-case letters, digits, '-' and '_', 31 characters at most"
            )
        return name


class User(Entitled):
    """One person of a users file, whose account at Keycloak init makes."""

    password: SecretStr = Field(min_length=1)
    email: Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+$")]
    first_name: str = ""
    last_name: str = ""
    one_time: bool = False
    """Whether Keycloak asks for a password of the person's own at the first sign-in."""
    realm_roles: tuple[str, ...] = ()
    attacker: str = ""
    """Who attacks in this person's name in the attack lab, which signs in by password."""
    waiting: Entitlements = Entitlements()
    """Accounts at Jira or GitHub whose credential nobody has put into Vault yet."""

    @field_validator("realm_roles")
    @classmethod
    def _known_role(cls, roles: tuple[str, ...]) -> tuple[str, ...]:
        unknown = sorted(set(roles) - set(REALM_ROLES))
        if unknown:
            raise ValueError(f"unknown realm role {', '.join(unknown)}; there is {', '.join(REALM_ROLES)}")
        return roles


class _UniqueKeys(Loader):
    """YAML in which a key stands once: the usual loader lets the last one win without a word."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """One mapping, its keys checked."""
        seen: set[str] = set()
        for key, _value in node.value:
            if key.value in seen:
                raise InputError(f"The key {key.value!r} stands twice (line {key.start_mark.line + 1}).")
            seen.add(key.value)
        return super().construct_mapping(node, deep=deep)


def load_people(users_file: Path, room_file: Path | None = None) -> tuple[User, ...]:
    """Everybody in the users file, then the room's people, if there are any. Raises InputError as `load_users`."""
    users = load_users(users_file)
    if room_file is None or not room_file.exists():
        return users
    both, name = users + load_users(room_file, alone=False), f"{users_file.name} and {room_file.name} together"
    fix = "Change the name in the users file, or take the room's people out: `./demo people remove`."
    _refuse_duplicates(both, name, fix)
    _refuse_strange_partners(both, name, fix)
    return _without_who_is_gone(both)


def load_users(path: Path, *, alone: bool = True) -> tuple[User, ...]:
    """Everybody in the file, in its order. ``alone``: whoever it names as somebody's partner stands in it, too.

    Raises InputError naming the file and the line or entry at fault; nothing has been written then.
    """
    fix = f"Mend {path.name} and run it again; nothing has been written."
    try:
        document = yaml.load(path.read_text(encoding="utf-8"), _UniqueKeys)  # noqa: S506 - a SafeLoader
    except OSError as error:
        raise InputError(
            f"{path} cannot be read: {error.strerror}.", fix="Set USERS_FILE to the file of people."
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{path.name} is not YAML: {_where(error)}.", fix=fix) from error
    except InputError as error:
        raise InputError(f"{path.name}: {error.what}", fix=fix) from None
    entries = document.get("users") if isinstance(document, dict) else None
    if not isinstance(entries, list) or set(document) != {"users"}:
        raise InputError(f"{path.name} holds one list, `users:`, and nothing else.", fix=fix)
    users = tuple(_user(entry, number, path.name, fix) for number, entry in enumerate(entries, 1))
    _refuse_duplicates(users, path.name, fix)
    if not alone:
        return users
    _refuse_strange_partners(users, path.name, fix)
    return _without_who_is_gone(users)


SHIPPED = Path(__file__).with_name("users.yaml")
"""The demo's people, whose passwords and tokens everybody can read."""


def refuse_published(users: Iterable[User], path: Path) -> None:
    """Nothing of the demo's people outside the demo: not their file, and no password or token of theirs in another.

    Raises InputError naming whom and what, never a value.
    """
    fix = "Set USERS_FILE to a file of your own people; nothing has been written."
    if path.resolve() == SHIPPED.resolve():
        raise InputError(
            f"PROFILE=production, but the people are the demo's: {path} is the file that comes with this project.",
            fix=fix,
        )
    left = [f"{user.username}'s {name}" for user in users for name, value in _held(user) if is_published(value)]
    if left:
        shown = ", ".join(left[:10]) + (f" and {len(left) - 10} more" if len(left) > 10 else "")
        raise InputError(f"PROFILE=production, but {path.name} holds values that everybody can read: {shown}.", fix=fix)


def _held(user: User) -> Iterator[tuple[str, str]]:
    yield "password", user.password.get_secret_value()
    for held in (user.entitlements, user.waiting):
        for server, fields in held.secrets().items():
            yield from ((f"{server} {name}", value) for name, value in fields.items())


def _user(entry: Any, number: int, file: str, fix: str) -> User:
    try:
        return User.model_validate(entry)
    except ValidationError as error:
        name = entry.get("username") if isinstance(entry, dict) else None
        who = f"entry {number}" + (f" ({str(name)[:40]!r})" if name else "")
        faults = "; ".join(
            f"{'.'.join(map(str, fault['loc'])) or 'entry'}: {fault['msg'].removeprefix('Value error, ')}"
            for fault in error.errors(include_input=False, include_url=False)
        )
        raise InputError(f"{file}, {who}: {faults}.", fix=fix) from None


def _refuse_duplicates(users: tuple[User, ...], file: str, fix: str) -> None:
    for what, values in (("username", [u.username for u in users]), ("email", [u.email.lower() for u in users])):
        seen: dict[str, int] = {}
        for number, value in enumerate(values, 1):
            if value in seen:
                raise InputError(
                    f"{file}: {what} {value!r} stands twice (entries {seen[value]} and {number}).", fix=fix
                )
            seen[value] = number


def _without_who_is_gone(users: tuple[User, ...]) -> tuple[User, ...]:
    """Somebody whose partner was taken out of the file has none."""
    known = {"", *(user.username for user in users)}
    return tuple(
        user if {user.partner, user.attacker} <= known else user.model_copy(update={"partner": "", "attacker": ""})
        for user in users
    )


def _refuse_strange_partners(users: tuple[User, ...], file: str, fix: str) -> None:
    """A partner's Jira credential is written by another person, so it is never one that somebody holds already."""
    known = {user.username: user for user in users}
    for user in users:
        if user.username in (user.partner, user.attacker):
            raise InputError(f"{file}: {user.username} is named as their own partner.", fix=fix)
        if user.partner in known and "jira" in known[user.partner].entitlements.secrets():
            raise InputError(
                f"{file}: {user.partner}, the partner of {user.username}, holds a Jira credential already.",
                fix=f"Put it under `waiting:` of {user.partner}: the workshop has {user.username} store it. {fix}",
            )


def _where(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    said = getattr(error, "problem", None) or str(error)
    return f"line {mark.line + 1}: {said}" if mark else str(said)


def _plain(value: Any) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)
