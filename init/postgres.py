"""PostgreSQL's part: the databases `mcp_state` and `shop`, their roles, and who may connect to what."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import psycopg
from psycopg import sql
from pydantic import SecretStr

from fastmcp_vault.errors import ConfigError, NotReady
from init import audit_trail, state_rights
from init.ledger import Ledger
from init.settings import InitSettings
from init.shop import SHOP, provision_shop
from init.shop_limits import ROLE as LIMITS
from init.shop_limits import connection_limits, provision_limits
from init.state_rights import RIGHTS
from init.users import GRANTS

PART: Final = "postgresql"
VAULT_ADMIN = "vault_admin"
SHOP_OWNER = "shop_owner"
APPLICATION_USER = "my_vault_app"
"""The example application's static database user: it reads, and Vault changes its password."""

_SCHEMA = Path(str(files("fastmcp_vault.state") / "schema.sql"))

_ROLE_OPTIONS = {
    SHOP_OWNER: "NOLOGIN",
    LIMITS: "NOLOGIN",
    # Makes and drops people's database users. CREATEROLE alone gives no right to any table.
    VAULT_ADMIN: "LOGIN CREATEROLE",
    **dict.fromkeys(GRANTS, "NOLOGIN"),
    APPLICATION_USER: "LOGIN",
}
_OPTIONS_OF = """
SELECT rolname, rolcanlogin, rolcreaterole, rolsuper OR rolcreatedb OR rolreplication OR rolbypassrls
FROM pg_roles
"""
_MEMBERS_OF = """
SELECT r.rolname FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.roleid JOIN pg_roles v ON v.oid = m.member
WHERE v.rolname = %s AND m.admin_option
"""
# Whether a role has a group's rights, and may not become the group (SET ROLE) and change it for everybody.
_IS_MEMBER = """
SELECT EXISTS (SELECT FROM pg_auth_members m WHERE m.member = %s::regrole AND m.roleid = %s::regrole
AND m.inherit_option AND NOT m.set_option)
"""
_BECOMES = """
SELECT DISTINCT v.rolname FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.roleid JOIN pg_roles v ON v.oid = m.member
WHERE r.rolname = %s AND m.set_option AND v.rolname <> %s
"""
_HAS_SETTINGS = """
SELECT EXISTS (SELECT FROM pg_db_role_setting s JOIN pg_roles r ON r.oid = s.setrole WHERE r.rolname = %s)
"""
# What may connect, from each database's ACL; a NULL ACL means the default: everybody.
_CONNECTS = """
SELECT d.datname, pg_get_userbyid(d.datdba),
       d.datacl IS NULL OR EXISTS (SELECT FROM aclexplode(d.datacl) a WHERE a.grantee = 0),
       ARRAY(SELECT pg_get_userbyid(a.grantee)::text FROM aclexplode(d.datacl) a WHERE a.privilege_type = 'CONNECT')
FROM pg_database d WHERE d.datallowconn
"""
_SCHEMA_STATE = """
SELECT obj_description(n.oid, 'pg_namespace'), (SELECT count(*) FROM pg_tables WHERE schemaname = n.nspname)
FROM pg_namespace n WHERE n.nspname = %s
"""
# Settings of a role, or of a database: (kind, name, setting, value).
_SETTINGS = (
    # Vault ends a person's database user: it needs that user's own rights to end its connections and drop what it owns.
    ("ROLE", VAULT_ADMIN, "createrole_self_grant", "set, inherit"),
    # PostgreSQL's log says who did something in the shop, through which server, and under which correlation id (user
    # and application_name, in each line's prefix) and how long it took; not what: statements may hold secrets.
    ("DATABASE", SHOP, "log_duration", "on"),
    # Nor what it said: an error repeats the statement, or a value in it, in any length.
    ("DATABASE", SHOP, "log_min_messages", "log"),
    ("DATABASE", SHOP, "log_min_error_statement", "panic"),
    ("DATABASE", SHOP, "log_error_verbosity", "terse"),
    # Only a superuser changes this one: what one process may write to disk for its sorts.
    ("DATABASE", SHOP, "temp_file_limit", "64MB"),
    # A statement whose caller is gone ends.
    ("DATABASE", SHOP, "client_connection_check_interval", "1s"),
    ("ROLE", VAULT_ADMIN, "log_duration", "off"),
)
_SETTINGS_OF = """
SELECT coalesce(d.datname, pg_get_userbyid(s.setrole)), unnest(s.setconfig)
FROM pg_db_role_setting s LEFT JOIN pg_database d ON d.oid = s.setdatabase
WHERE s.setdatabase = 0 OR s.setrole = 0
"""


def connect(settings: InitSettings, database: str, user: str, password: SecretStr) -> psycopg.Connection[Any]:
    """One connection, autocommit. Raises psycopg.OperationalError."""
    return psycopg.connect(
        host=settings.postgres_host,
        port=settings.postgres_port,
        sslmode=settings.postgres_sslmode,
        dbname=database,
        user=user,
        password=password.get_secret_value(),
        application_name="init",
        connect_timeout=3,
        autocommit=True,
    )


def as_superuser(settings: InitSettings, database: str = "postgres") -> psycopg.Connection[Any]:
    """A connection as the cluster's administrator. Raises NotReady."""
    try:
        return connect(settings, database, settings.postgres_admin_user, settings.postgres_admin_password)
    except psycopg.OperationalError as error:
        raise NotReady(
            f"PostgreSQL at {settings.postgres_host}:{settings.postgres_port} let no administrator in:"
            f" {str(error).strip().splitlines()[-1]}.",
            fix="Check POSTGRES_HOST, POSTGRES_PORT, POSTGRES_ADMIN_USER and POSTGRES_ADMIN_PASSWORD.",
        ) from error


def provision(settings: InitSettings, ledger: Ledger) -> None:
    """Roles, databases, rights, tables and seed data. Raises NotReady, ConfigError."""
    state_user, state_password, state_database = _state_account(settings)
    with as_superuser(settings) as admin:
        _roles(admin, ledger, {**_ROLE_OPTIONS, state_user: "LOGIN", **dict.fromkeys(RIGHTS, "LOGIN")})
        _memberships(admin, ledger)
        _limiting_role(admin, ledger)
        _application_user(admin, ledger)
        _groups_untouched(admin, ledger)
        owners = {state_database: state_user, SHOP: SHOP_OWNER}
        _databases(admin, ledger, owners)
        _shares(admin, ledger, {SHOP: "shop", state_database: "state"})
        # Every account of the state's finds its tables, which lie in a schema of their owner's.
        _settings(admin, ledger, (*_SETTINGS, ("DATABASE", state_database, "search_path", state_user)))
        _connections(admin, ledger, {SHOP: [VAULT_ADMIN, *GRANTS], state_database: [*RIGHTS]})
        _password(admin, settings, ledger, state_database, state_user, state_password)
        for account in RIGHTS:
            _password(admin, settings, ledger, state_database, account, settings.state_password(account))
    if _exists(settings, state_database):
        with as_superuser(settings, state_database) as state:
            state_rights.remove_retired(state, state_user, ledger)
    if _exists(settings, SHOP):
        with as_superuser(settings, SHOP) as shop:
            provision_shop(shop, ledger, owner=SHOP_OWNER)
            provision_limits(shop, ledger, vault=VAULT_ADMIN)
    else:
        ledger.created(PART, "tables", SHOP, lambda: None)
    _state_schema(settings, ledger, state_database, state_user, state_password)


def _state_account(settings: InitSettings) -> tuple[str, SecretStr, str]:
    parts = urlsplit(settings.state_dsn.get_secret_value())
    if not (parts.username and parts.password and parts.path.strip("/")):
        raise ConfigError(
            "STATE_DSN does not name a user, a password and a database.",
            fix="Set it to postgresql://USER:PASSWORD@HOST:PORT/DATABASE.",
        )
    return parts.username, SecretStr(parts.password), parts.path.strip("/")


def _roles(admin: psycopg.Connection[Any], ledger: Ledger, wanted: dict[str, str]) -> None:
    found = {name: (login, create, more) for name, login, create, more in admin.execute(_OPTIONS_OF)}
    for name, options in wanted.items():
        shape = ("NOLOGIN" not in options, "CREATEROLE" in options, False)
        verb = sql.SQL("ALTER ROLE {} {}") if name in found else sql.SQL("CREATE ROLE {} {}")
        everything = f"{options}{'' if shape[1] else ' NOCREATEROLE'} NOSUPERUSER NOCREATEDB NOREPLICATION NOBYPASSRLS"
        ledger.settle(
            PART,
            "role",
            name,
            exists=name in found,
            equal=found.get(name) == shape,
            act=_executes(admin, verb.format(sql.Identifier(name), sql.SQL(everything))),
        )


def _memberships(admin: psycopg.Connection[Any], ledger: Ledger) -> None:
    """Vault's role may hand the group roles out, and has none of their rights itself."""
    held = {name for (name,) in admin.execute(_MEMBERS_OF, [VAULT_ADMIN])}
    for group in GRANTS:
        grant = sql.SQL("GRANT {} TO {} WITH ADMIN TRUE, INHERIT FALSE, SET FALSE")
        ledger.settle(
            PART,
            "grant",
            f"{VAULT_ADMIN} may hand out {group}",
            exists=group in held,
            equal=True,
            act=_executes(admin, grant.format(sql.Identifier(group), sql.Identifier(VAULT_ADMIN))),
        )


def _limiting_role(admin: psycopg.Connection[Any], ledger: Ledger) -> None:
    """It sees who is connected and ends what takes too long, of everybody but superusers."""
    for right in ("pg_signal_backend", "pg_read_all_stats"):
        held = admin.execute(
            "SELECT pg_has_role(rolname, %s, 'USAGE') FROM pg_roles WHERE rolname = %s", [right, LIMITS]
        ).fetchone()
        grant = sql.SQL("GRANT {} TO {}").format(sql.Identifier(right), sql.Identifier(LIMITS))
        ledger.settle(
            PART, "grant", f"{LIMITS}: {right}", exists=held == (True,), equal=True, act=_executes(admin, grant)
        )


def _application_user(admin: psycopg.Connection[Any], ledger: Ledger) -> None:
    """It may read the shop; Vault's role may change its password, and has none of its rights."""
    there = {APPLICATION_USER, VAULT_ADMIN, "shop_read"} <= {name for name, *_ in admin.execute(_OPTIONS_OF)}
    reads = there and admin.execute(_IS_MEMBER, [APPLICATION_USER, "shop_read"]).fetchone() == (True,)
    changes = APPLICATION_USER in {name for (name,) in admin.execute(_MEMBERS_OF, [VAULT_ADMIN])}
    grants = {
        f"{APPLICATION_USER} reads the shop": (reads, "GRANT shop_read TO {user} WITH INHERIT TRUE, SET FALSE"),
        f"{VAULT_ADMIN} may change {APPLICATION_USER}'s password": (
            changes,
            "GRANT {user} TO {vault} WITH ADMIN TRUE, INHERIT FALSE, SET FALSE",
        ),
    }
    for name, (held, statement) in grants.items():
        filled = sql.SQL(statement).format(user=sql.Identifier(APPLICATION_USER), vault=sql.Identifier(VAULT_ADMIN))
        ledger.settle(PART, "grant", name, exists=held, equal=True, act=_executes(admin, filled))


def _groups_untouched(admin: psycopg.Connection[Any], ledger: Ledger) -> None:
    """Nobody may become one of the roles that people share, and nothing is set for one: that would be for all."""
    for group in GRANTS:
        members = [name for (name,) in admin.execute(_BECOMES, [group, VAULT_ADMIN])]
        (settings,) = admin.execute(_HAS_SETTINGS, [group]).fetchone() or (False,)
        statements = [
            sql.SQL("GRANT {} TO {} WITH SET FALSE").format(sql.Identifier(group), sql.Identifier(name))
            for name in members
        ]
        if settings:
            statements.append(sql.SQL("ALTER ROLE {} RESET ALL").format(sql.Identifier(group)))
            statements.append(
                sql.SQL("ALTER ROLE {} IN DATABASE {} RESET ALL").format(sql.Identifier(group), sql.Identifier(SHOP))
            )
        ledger.settle(
            PART,
            "group",
            group,
            exists=True,
            equal=not statements,
            act=_executes(admin, *statements),
            note=f"{len(members)} could become it" if members else "it had settings" if settings else "",
        )


def _settings(admin: psycopg.Connection[Any], ledger: Ledger, wanted: tuple[tuple[str, str, str, str], ...]) -> None:
    found = {(name, *setting.split("=", 1)) for name, setting in admin.execute(_SETTINGS_OF)}
    known = {(name, setting) for name, setting, _ in found}
    for kind, name, setting, value in wanted:
        change = sql.SQL("ALTER {} {} SET {} = {}").format(
            sql.SQL(kind), sql.Identifier(name), sql.Identifier(setting), sql.Literal(value)
        )
        ledger.settle(
            PART,
            f"{kind.lower()} setting",
            f"{name}: {setting}",
            exists=(name, setting) in known,
            equal=(name, setting, value) in found,
            act=_executes(admin, change),
        )


def _databases(admin: psycopg.Connection[Any], ledger: Ledger, owners: dict[str, str]) -> None:
    found = {name: owner for name, owner, *_ in admin.execute(_CONNECTS)}
    for name, owner in owners.items():
        create = sql.SQL("CREATE DATABASE {} OWNER {}")
        alter = sql.SQL("ALTER DATABASE {} OWNER TO {}")
        statement = (alter if name in found else create).format(sql.Identifier(name), sql.Identifier(owner))
        ledger.settle(
            PART,
            "database",
            name,
            exists=name in found,
            equal=found.get(name) == owner,
            act=_executes(admin, statement),
        )


def _shares(admin: psycopg.Connection[Any], ledger: Ledger, databases: dict[str, str]) -> None:
    """A bound on each database's connections: however full one of them is, the others and Keycloak get theirs."""
    limits = connection_limits(admin)
    found = dict(admin.execute("SELECT datname, datconnlimit FROM pg_database").fetchall())
    for database, share in databases.items():
        limit = sql.SQL("ALTER DATABASE {} CONNECTION LIMIT {}").format(
            sql.Identifier(database), sql.Literal(limits[share])
        )
        ledger.settle(
            PART,
            "connections",
            database,
            exists=database in found,
            equal=found.get(database) == limits[share],
            act=_executes(admin, limit),
        )


def _connections(admin: psycopg.Connection[Any], ledger: Ledger, allowed: dict[str, list[str]]) -> None:
    """Nobody may connect to a database without being named, Keycloak's and the empty ones included."""
    for name, _owner, public, grantees in admin.execute(_CONNECTS).fetchall():
        wanted = allowed.get(name, [])
        missing = [role for role in wanted if role not in grantees]
        statements = [sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(name))] if public else []
        statements += [
            sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(sql.Identifier(name), sql.Identifier(role))
            for role in missing
        ]
        ledger.settle(
            PART,
            "connect",
            name,
            exists=True,
            equal=not statements,
            act=_executes(admin, *statements),
            note="public kept out" if public else "",
        )


def _password(
    admin: psycopg.Connection[Any],
    settings: InitSettings,
    ledger: Ledger,
    database: str,
    user: str,
    password: SecretStr,
) -> None:
    """Set the password unless it already opens the door."""
    if opens(settings, database, user, password):
        ledger.unchanged(PART, "password", user)
    else:
        ledger.changed(PART, "password", user, lambda: set_password(admin, user, password))


def set_password(admin: psycopg.Connection[Any], user: str, password: SecretStr) -> None:
    """Set a role's password; what is sent is its SCRAM verifier (RFC 5803), never the password."""
    verifier = admin.pgconn.encrypt_password(password.get_secret_value().encode(), user.encode(), b"scram-sha-256")
    admin.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(user), sql.Literal(verifier.decode())))


def opens(settings: InitSettings, database: str, user: str, password: SecretStr) -> bool:
    """True when this role gets into this database with this password."""
    try:
        connect(settings, database, user, password).close()
    except psycopg.OperationalError:
        return False
    return True


def _exists(settings: InitSettings, database: str) -> bool:
    with as_superuser(settings) as admin:
        return admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database]).fetchone() is not None


def _state_schema(settings: InitSettings, ledger: Ledger, database: str, user: str, password: SecretStr) -> None:
    """Apply the state's schema, as its owner, unless exactly this text has been applied and its tables are there."""
    text = _SCHEMA.read_text(encoding="utf-8")
    mark = f"schema.sql {sha256(text.encode()).hexdigest()}"
    if not opens(settings, database, user, password):
        ledger.created(PART, "tables", database, lambda: None)
        ledger.created(PART, "rights", user, lambda: None)
        return
    with connect(settings, database, user, password) as owner:
        applied, tables = owner.execute(_SCHEMA_STATE, [user]).fetchone() or (None, 0)

        def apply() -> None:
            # A schema named after the role comes first in its search path.
            with owner.transaction():
                owner.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(user)))
                owner.execute(text.encode())
                owner.execute(sql.SQL("COMMENT ON SCHEMA {} IS {}").format(sql.Identifier(user), sql.Literal(mark)))

        ledger.settle(
            PART,
            "tables",
            database,
            exists=applied is not None,
            equal=applied == mark and tables == text.count("CREATE TABLE"),
            act=apply,
        )
        if applied is None and ledger.dry_run:
            ledger.created(PART, "rights", user, lambda: None)
        else:
            state_rights.provision(owner, user, ledger)
            audit_trail.provision(owner, ledger, settings.audit_keep_days)


def _executes(admin: psycopg.Connection[Any], *statements: sql.Composed) -> Callable[[], None]:
    def act() -> None:
        for statement in statements:
            admin.execute(statement)

    return act
