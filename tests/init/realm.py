"""A realm of a test's own, provisioned in the shared Keycloak as often as the test likes."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from fastmcp_vault.http import TimedSession
from init import keycloak
from init.keycloak_admin import RealmAdmin
from init.ledger import Ledger, LedgerEntry, LedgerOutcome
from init.settings import InitSettings
from init.users import User
from stack.testing import Stack


def person(name: str, **more: Any) -> User:
    return User.model_validate({"username": name, "password": f"{name}-1", "email": f"{name}@example.com", **more})


ALICE, BOB, CHARLIE = person("alice"), person("bob"), person("charlie", realm_roles=["facilitator"])
EVERYBODY = (ALICE, BOB, CHARLIE)


class Realm:
    """A realm of the test's own in the shared Keycloak."""

    def __init__(self, stack: Stack) -> None:
        fields = {name.lower(): value for name, value in stack.environment("init").items()}
        self.name = f"test-{uuid.uuid4().hex[:12]}"
        # The example application's file is the shared stack's.
        del fields["vault_client_config"]
        self.settings = InitSettings(**{**fields, "keycloak_realm": self.name})  # type: ignore[arg-type]
        self.admin = RealmAdmin(
            self.settings.keycloak_url,
            username=self.settings.keycloak_admin,
            password=self.settings.keycloak_admin_password,
        )
        self.ids: dict[str, str] = {}

    def provision(self, users: Sequence[User] = EVERYBODY, **settings: Any) -> list[LedgerEntry]:
        """Everything that was not as wanted."""
        ledger = Ledger(dry_run=settings.pop("dry_run", False))
        self.ids = dict(keycloak.provision(self.settings.model_copy(update=settings), users, ledger).ids)
        return [entry for entry in ledger.entries if entry.outcome is not LedgerOutcome.UNCHANGED]

    def get(self, path: str, **query: str) -> Any:
        return self.admin.get(f"/{self.name}{path}", **query)

    def client(self, client_id: str) -> dict[str, Any]:
        (found,) = self.get("/clients", clientId=client_id)
        return dict(found)

    def path(self, rest: str) -> str:
        return f"/{self.name}{rest}"

    def signs_in(self, username: str, password: str) -> bool:
        with TimedSession() as session:
            answer = session.post(
                f"{self.settings.keycloak_url}/realms/{self.name}/protocol/openid-connect/token",
                data={
                    "grant_type": "password",
                    "client_id": "lab-app",
                    "client_secret": self.settings.lab_client_secret.get_secret_value(),
                    "username": username,
                    "password": password,
                },
            )
        return answer.status_code == 200

    def remove(self) -> None:
        self.admin.delete(f"/{self.name}")
        self.admin.close()
