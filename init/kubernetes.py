"""``python -m init.kubernetes``: provisioning as a Job of a cluster; the services' secrets are made and kept in Vault.

The first run is given the administrators' logins in one Secret (``FROM_OUTSIDE`` in init/service_settings.py, and
``VAULT_TOKEN`` where Vault has no role ``init`` yet). When it is through, they are in Vault, for init's ServiceAccount
alone; the Secret is deleted, and that Vault token revoked. Later runs log in as that ServiceAccount.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import requests
from pydantic import Field, SecretStr

from common import logs
from common.command import run as run_command
from common.settings import CommonSettings, load
from fastmcp_vault.errors import ConfigError, NotReady, Problem, VaultDenied, VaultError
from fastmcp_vault.http import TimedSession
from fastmcp_vault.printable import show
from fastmcp_vault.vault.admin import VaultAdmin
from init import service_settings, vault_kubernetes
from init.__main__ import main as provision
from init.ledger import Ledger
from init.settings import InitSettings
from init.waiting import wait_until_ready

_log = logging.getLogger(__name__)
ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
"""Where a pod's own token for the cluster's API lies (Kubernetes: "Accessing the API from a Pod")."""


class JobSettings(CommonSettings):
    """What the Job needs before it knows any secret."""

    vault_token: SecretStr = Field(SecretStr(""), description="A Vault token for the first run; empty: role `init`.")
    first_secret: str = Field("", description="Name of the Secret that the first run is given, and deletes.")
    state_address: str = Field(
        "localhost:5432/mcp_state", description="Host, port, database and parameters of the shared state."
    )
    wait_seconds: float = Field(60.0, description="How long to wait for Keycloak, PostgreSQL and Vault.")

    def unused_fields(self) -> frozenset[str]:
        """Made below."""
        return super().unused_fields() | {
            "state_dsn",
            *(() if self.vault_token.get_secret_value() else ("vault_token",)),
        }


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0 when everything is as wanted, 1 with a sentence why not."""
    logs.set_up("init")
    try:
        settings = load(JobSettings)
        vault = logged_in(settings)
    except Problem as problem:
        show(problem, file=sys.stderr)
        return 1
    try:
        return _run(settings, vault, list(arguments or sys.argv[1:]))
    except Problem as problem:
        show(problem, file=sys.stderr)
        return 1
    finally:
        _end(vault)


def _run(settings: JobSettings, vault: VaultAdmin, arguments: list[str]) -> int:
    values = service_settings.known(vault, os.environ, within=settings.wait_seconds)
    if missing := [name for name in service_settings.FROM_OUTSIDE if name.endswith("PASSWORD") and name not in values]:
        raise ConfigError(
            f"The first run needs {' and '.join(missing)}.", fix="Put them into the Secret of the first run."
        )
    os.environ |= values
    os.environ["STATE_DSN"] = f"postgresql://mcp_state:{values['STATE_DB_PASSWORD']}@{settings.state_address}"
    ledger = Ledger(dry_run="--dry-run" in arguments)
    vault_kubernetes.provision(load(InitSettings), vault, ledger)
    if code := provision(arguments):
        return code
    # A service starts once it may read its settings: when everything that these open stands.
    service_settings.hand_out(vault, ledger, values, state=settings.state_address)
    if settings.first_secret and not ledger.dry_run:
        forget(settings.first_secret)
    return 0


def logged_in(settings: JobSettings) -> VaultAdmin:
    """Vault with the token that was given, or as init's ServiceAccount. ``VAULT_TOKEN`` then holds the token.

    Raises VaultDenied, NotReady, ConfigError.
    """
    nobody = VaultAdmin(settings.vault_addr, SecretStr(""))
    wait_until_ready("Vault", nobody.ready, within=settings.wait_seconds)
    token = settings.vault_token
    if not token.get_secret_value():
        file = settings.vault_service_account_token
        if file is None or not file.exists():
            raise ConfigError("There is neither VAULT_TOKEN nor a ServiceAccount's token.", fix="Give one of the two.")
        login = {"role": vault_kubernetes.INIT_ROLE, "jwt": file.read_text().strip()}
        token = SecretStr(nobody.write(f"auth/{settings.vault_service_account_mount}/login", login)["client_token"])
    nobody.close()
    os.environ["VAULT_TOKEN"] = token.get_secret_value()
    return VaultAdmin(settings.vault_addr, token)


def _end(vault: VaultAdmin) -> None:
    """Revoke the token that was used: the first one has done its work, another one is had by logging in."""
    try:
        vault.write("auth/token/revoke-self", {})
    except (VaultDenied, VaultError) as problem:
        _log.warning("The Vault token of this run could not be revoked: %s", problem)
    vault.close()


def forget(name: str, account: Path = ACCOUNT) -> None:
    """Delete the Secret of the first run (Kubernetes API: DELETE secrets/NAME). Raises NotReady."""
    place = f"https://{os.environ['KUBERNETES_SERVICE_HOST']}:{os.environ['KUBERNETES_SERVICE_PORT']}"
    path = f"/api/v1/namespaces/{(account / 'namespace').read_text()}/secrets/{name}"
    with TimedSession() as session:
        session.headers["Authorization"] = f"Bearer {(account / 'token').read_text()}"
        answer = session.delete(place + path, verify=str(account / "ca.crt"))
    if answer.status_code not in (requests.codes.ok, requests.codes.not_found):
        raise NotReady(
            f"The Secret {name} could not be deleted ({answer.status_code}).",
            fix="Delete it yourself: the administrators' logins in it are no longer needed.",
        )


if __name__ == "__main__":
    sys.exit(run_command(main))
