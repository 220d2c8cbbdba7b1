"""An application of a test's own at the real Vault and PostgreSQL: mounts, policy, AppRole, roles, configuration."""

from __future__ import annotations

import configparser
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from pydantic import SecretStr

from fastmcp_vault.vault.admin import VaultAdmin
from fastmcp_vault.vault.config import ClientConfig
from init.vault_people import database_role
from stack.testing import Stack


@dataclass
class OwnApplication:
    """Its mounts are ``{entity}-kv`` and ``{entity}-database``; its role ids are those of the defaults below."""

    stack: Stack
    admin: VaultAdmin
    entity: str = field(default_factory=lambda: f"app-{uuid.uuid4().hex[:8]}")
    secret_id: str = field(default_factory=lambda: uuid.uuid4().hex)
    api_key: str = field(default_factory=lambda: f"key-{uuid.uuid4().hex}")

    @property
    def static_user(self) -> str:
        return f"static_{self.entity.replace('-', '_')}"

    def provision(self) -> None:
        kv, database = f"{self.entity}-kv", f"{self.entity}-database"
        write = self.admin.write
        write(f"sys/mounts/{kv}", {"type": "kv", "options": {"version": "2"}})
        write(f"sys/mounts/{database}", {"type": "database"})
        rules = [
            f"{kv}/data/*",
            f"{kv}/metadata/*",
            f"{database}/creds/*",
            f"{database}/static-creds/*",
            "nowhere-kv/*",
        ]
        policy = "\n".join(f'path "{rule}" {{ capabilities = ["read"] }}' for rule in rules)
        write(f"sys/policies/acl/{self.entity}", {"policy": policy})
        self.role(token_ttl=60, token_max_ttl=600)
        write(f"auth/approle/role/{self.entity}/custom-secret-id", {"secret_id": self.secret_id})
        self.put(api_key=self.api_key)
        self._database(database)

    def role(self, **settings: object) -> None:
        self.admin.write(f"auth/approle/role/{self.entity}", {"token_policies": [self.entity], **settings})
        self.admin.write(f"auth/approle/role/{self.entity}/role-id", {"role_id": self.entity})

    def put(self, **data: str) -> None:
        self.admin.write(f"{self.entity}-kv/data/app", {"data": data})

    def dynamic(self, *, ttl: int) -> None:
        role = database_role(["shop_read"]) | {"default_ttl": ttl, "max_ttl": ttl}
        self.admin.write(f"{self.entity}-database/roles/dynamic", role)

    def connection(self, user: str, password: SecretStr) -> psycopg.Connection[Any]:
        return psycopg.connect(
            host="127.0.0.1",
            port=self.stack.ports["postgres"],
            dbname="shop",
            user=user,
            password=password.get_secret_value(),
            autocommit=True,
        )

    def superuser(self) -> psycopg.Connection[Any]:
        return self.connection("postgres", SecretStr(self.stack.secrets["POSTGRES_ADMIN_PASSWORD"]))

    def config(self, **changes: Any) -> ClientConfig:
        return ClientConfig(
            **{
                "vault_entity": self.entity,
                "vault_url": self.stack.url("openbao"),
                "vault_role_id": self.entity,
                "vault_secret_id": self.secret_id,
                "database_dynamic_role_id": "dynamic",
                "database_static_role_id": "static",
                "http_max_response_size": 8192,
                **changes,
            }
        )

    def file(self, path: Path, **vault: str) -> Path:
        """Its config.ini, with further keys in [vault]."""
        parser = configparser.ConfigParser(interpolation=None)
        common = {"entity": self.entity, "url": self.stack.url("openbao"), "role_id": self.entity}
        parser["vault"] = {**common, "secret_id": self.secret_id, **vault}
        parser["database_dynamic"] = {"role_id": "dynamic"}
        parser["database_static"] = {"role_id": "static"}
        with path.open("w") as file:
            parser.write(file)
        path.chmod(0o600)
        return path

    def _database(self, mount: str) -> None:
        url = f"postgresql://{{{{username}}}}:{{{{password}}}}@localhost:{self.stack.ports['postgres']}/shop"
        self.admin.write(
            f"{mount}/config/shop",
            {
                "plugin_name": "postgresql-database-plugin",
                "allowed_roles": ["*"],
                "connection_url": f"{url}?sslmode=disable",
                "username": "vault_admin",
                "password": self.stack.secrets["VAULT_DB_PASSWORD"],
                "password_authentication": "scram-sha-256",
                "username_template": f"v-{self.entity}-{{{{random 12}}}}",
                "max_open_connections": 2,
            },
        )
        self.dynamic(ttl=60)
        with self.superuser() as admin:
            admin.execute(f"CREATE ROLE {self.static_user} LOGIN IN ROLE shop_read")  # type: ignore[arg-type]
            admin.execute(
                f"GRANT {self.static_user} TO vault_admin WITH ADMIN TRUE, INHERIT FALSE, SET FALSE"  # type: ignore[arg-type]
            )
        static = {"db_name": "shop", "username": self.static_user, "rotation_period": 5}
        self.admin.write(f"{mount}/static-roles/static", static)

    def remove(self) -> None:
        for path in (f"sys/mounts/{self.entity}-database", f"sys/mounts/{self.entity}-kv"):
            self.admin.delete(path)
        self.admin.delete(f"auth/approle/role/{self.entity}")
        self.admin.delete(f"sys/policies/acl/{self.entity}")
        with self.superuser() as admin:
            admin.execute(f"DROP OWNED BY {self.static_user}; DROP ROLE {self.static_user}")  # type: ignore[arg-type]


@contextmanager
def own_application(stack: Stack) -> Iterator[OwnApplication]:
    """One for as long as the block runs."""
    admin = VaultAdmin(stack.url("openbao"), SecretStr(stack.secrets["VAULT_TOKEN"]))
    made = OwnApplication(stack, admin)
    made.provision()
    try:
        yield made
    finally:
        made.remove()
        admin.close()
