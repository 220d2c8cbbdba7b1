"""``./demo agent new|revoke|rotate-key``: certificates for agents, their end, and a new key for their tokens."""

from __future__ import annotations

import argparse
import os
import re
import secrets
import sys
from collections.abc import Sequence
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, load_pem_private_key, pkcs12
from pydantic import SecretStr

from common import logs
from common.command import run as run_command
from common.settings import load
from common.tls import TlsIdentity, new_key
from fastmcp_vault.errors import InputError, Problem
from fastmcp_vault.printable import show
from fastmcp_vault.vault.admin import VaultAdmin
from init import keycloak_realm, vault_pki
from init.keycloak_admin import RealmAdmin
from init.settings import InitSettings
from init.vault_pki import AGENT_URI, MOUNT, SCOPE_URI

NAME = re.compile(r"[a-z][a-z0-9-]{0,62}")
SCOPES = ("agent:commands", "agent:results", "agent:dispatch")


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0 when done, 1 with one sentence why not."""
    chosen = _parser().parse_args(arguments)
    logs.set_up("agent")
    try:
        settings = load(InitSettings)
        vault = VaultAdmin(settings.vault_addr, settings.vault_token)
        try:
            chosen.act(vault, chosen)
            if getattr(chosen, "keycloak", False):
                _register(settings, chosen)
        finally:
            vault.close()
    except Problem as problem:
        show(problem, file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="./demo agent", description=__doc__)
    verbs = parser.add_subparsers(required=True, metavar="verb")
    new = verbs.add_parser("new", help="a key and a certificate for an agent")
    new.add_argument("name", help="letters, digits and hyphens")
    new.add_argument("--scope", action="append", required=True, help=f"any of {', '.join(SCOPES)}; may be repeated")
    new.add_argument("--ttl", default="24h", help="how long the certificate lives (72h at most)")
    new.add_argument("--out", type=Path, help="folder for the files (default: agents/NAME)")
    new.add_argument("--replace", action="store_true", help="write over the files of an earlier one in that folder")
    new.add_argument("--keycloak", action="store_true", help="also make it a client of Keycloak's (AUTH_MODE=keycloak)")
    new.set_defaults(act=_new)
    revoke = verbs.add_parser("revoke", help="end an agent's certificate now")
    revoke.add_argument("certificate", type=Path, help="its agent.pem")
    revoke.set_defaults(act=_revoke)
    rotate = verbs.add_parser("rotate-key", help="sign tokens with a new key; the last one stays good for verifying")
    rotate.set_defaults(act=lambda vault, _: rotate_key(vault))
    return parser


def issue(vault: VaultAdmin, name: str, scopes: Sequence[str], *, ttl: str = "24h") -> TlsIdentity:
    """A certificate for an agent of the operators. Raises InputError, and what Vault refuses with."""
    if not NAME.fullmatch(name):
        raise InputError("An agent's name is made of small letters, digits and hyphens.", fix="For example `build-7`.")
    unknown = sorted(set(scopes) - set(SCOPES))
    if unknown or not scopes:
        raise InputError(f"There is no scope {', '.join(unknown)}.", fix=f"There are {', '.join(SCOPES)}.")
    key, request = new_key()
    uris = [AGENT_URI + name, *(SCOPE_URI + scope for scope in scopes)]
    asked = {"csr": request, "common_name": name, "exclude_cn_from_sans": True, "uri_sans": ",".join(uris), "ttl": ttl}
    signed = vault.write(f"{MOUNT}/sign/agent", asked)
    return TlsIdentity(key, f"{signed['certificate']}\n{signed['issuing_ca']}", signed["issuing_ca"])


def revoke(vault: VaultAdmin, certificate: x509.Certificate) -> None:
    """End a certificate; OCSP says so at once, and the list of revoked ones is made anew."""
    digits = f"{certificate.serial_number:x}"
    digits = digits.zfill(len(digits) + len(digits) % 2)
    serial = ":".join(digits[i : i + 2] for i in range(0, len(digits), 2))
    vault.write(f"{MOUNT}/revoke", {"serial_number": serial})
    vault.read(f"{MOUNT}/crl/rotate")


def rotate_key(vault: VaultAdmin) -> None:
    """A new current key; the one that was current verifies until the next rotation. Tokens live minutes."""
    found = vault.read(vault_pki.KEY_PATH)
    if found is None:
        raise InputError("There is no signing key yet.", fix="`./demo init` makes the first one.")
    last = found["data"]
    pair = vault_pki.new_key() | {"previous_kid": last["current_kid"], "previous_key": last["current_key"]}
    vault.write(vault_pki.KEY_PATH, {"data": pair, "options": {"cas": found["metadata"]["version"]}})
    show(f"Tokens are signed with key {pair['current_kid']} from now on; {pair['previous_kid']} still verifies.")


def _new(vault: VaultAdmin, chosen: argparse.Namespace) -> None:
    scopes = wanted_scopes(chosen.scope)
    folder = chosen.out or Path("agents") / chosen.name
    if not chosen.replace and (folder / "agent.pem").exists():
        raise InputError(
            f"{folder} holds an agent's certificate already; nothing was changed.",
            fix="Name another folder (`--out`), or write over its files (`--replace`); the earlier certificate is good "
            f"until its end or until `./demo agent revoke {folder / 'agent.pem'}`.",
        )
    identity = issue(vault, chosen.name, scopes, ttl=chosen.ttl)
    save(identity, chosen.name, folder)
    until = identity.certificate.not_valid_after_utc
    show(f"{chosen.name} may ask for {', '.join(scopes)} until {until:%Y-%m-%d %H:%M} UTC. In {folder}:")
    show("  agent.pem, agent.key     the certificate with its authority, and its key")
    show("  agent.p12                both, for programs that want PKCS #12; its password is in agent.p12.password")
    show("  ca.pem                   whom to trust: the servers' certificates are signed by it")


def _register(settings: InitSettings, chosen: argparse.Namespace) -> None:
    keycloak = RealmAdmin.of(settings)
    try:
        keycloak.log_in()
        register(keycloak, settings.keycloak_realm, chosen.name, wanted_scopes(chosen.scope))
    finally:
        keycloak.close()
    show(f"Keycloak knows it as client agent-{chosen.name}, by the subject of its certificates.")


def register(keycloak: RealmAdmin, realm: str, name: str, scopes: Sequence[str]) -> None:
    """Make an agent a client of Keycloak's, or what it is one for anew. Raises KeycloakRefused."""
    path, client = f"/{realm}/clients", keycloak_realm.agent_client(name, scopes)
    for found in keycloak.get(path, clientId=client["clientId"]):
        keycloak.delete(f"{path}/{found['id']}")
    keycloak.post(path, client)


def wanted_scopes(words: Sequence[str]) -> list[str]:
    """Scopes as they were typed, with spaces or commas between, each once."""
    return list(dict.fromkeys(" ".join(words).replace(",", " ").split()))


def save(identity: TlsIdentity, name: str, folder: Path) -> None:
    """Write the files an agent needs; keys and the password are their owner's alone (0600). Raises InputError."""
    password = SecretStr(secrets.token_urlsafe(18))
    authority = x509.load_pem_x509_certificate(identity.authority.encode())
    key = load_pem_private_key(identity.key.get_secret_value().encode(), None)
    bundle = pkcs12.serialize_key_and_certificates(
        name.encode(),
        key,  # type: ignore[arg-type]
        identity.certificate,
        [authority],
        BestAvailableEncryption(password.get_secret_value().encode()),
    )
    files = {
        "agent.pem": identity.chain.encode() + b"\n",
        "agent.key": identity.key.get_secret_value().encode(),
        "agent.p12": bundle,
        "agent.p12.password": password.get_secret_value().encode() + b"\n",
        "ca.pem": identity.authority.encode() + b"\n",
    }
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for file, content in files.items():
            path = folder / file
            path.unlink(missing_ok=True)
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as opened:
                opened.write(content)
    except OSError as error:
        raise InputError(
            f"{folder} cannot be written ({error.strerror}).", fix="Name another folder: `--out`."
        ) from error


def _revoke(vault: VaultAdmin, chosen: argparse.Namespace) -> None:
    try:
        certificate = x509.load_pem_x509_certificates(chosen.certificate.read_bytes())[0]
    except (OSError, ValueError) as error:
        raise InputError(
            f"{chosen.certificate} is not a certificate that can be read.", fix="Name an agent.pem."
        ) from error
    revoke(vault, certificate)
    show("Revoked: the agents' servers refuse it from now on.")


if __name__ == "__main__":
    sys.exit(run_command(main))
