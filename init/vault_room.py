"""Vault's part for a room: a small authority for one address, and the certificate that the room's front shows.

Vault API: pki (root/generate, issuer/:ref/sign, roles). The authority's key never leaves Vault; its certificate names
what it may vouch for (RFC 5280 §4.2.1.10), because people install it on devices of their own.
"""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from cryptography import x509

from common.production import is_ip
from common.tls import new_key
from fastmcp_vault.files import write_private
from fastmcp_vault.vault.admin import VaultAdmin
from init.ledger import Ledger
from init.settings import InitSettings
from init.vault import settle, settle_mounts

PART: Final = "vault"
MOUNT: Final = "pki-room"
ROLE: Final = "front"
AUTHORITY_DAYS: Final = 90
CERTIFICATE_DAYS: Final = 30
RENEWED_DAYS: Final = 7
"""Days that a certificate still has when a start gets a new one."""

NO_NAME: Final = "room.invalid"
"""The one host name that the authority of an IP address may vouch for: nobody has it (RFC 2606 §2)."""

FRONT, AUTHORITY = "front.pem", "authority.pem"
"""The files of the folder: key and certificate in one, so that they are replaced together; whom to trust."""


def provision(settings: InitSettings, vault: VaultAdmin, ledger: Ledger) -> None:
    """The authority for ``room_address`` and the front's certificate in ``room_tls_dir``; nothing without a room."""
    address, folder = settings.room_address, settings.room_tls_dir
    if not address or folder is None:
        return
    longest = f"{AUTHORITY_DAYS * 24}h"
    mount = {"type": "pki", "description": "the room's certificate", "config": {"max_lease_ttl": longest}}
    ready = settle_mounts(vault, ledger, {MOUNT: mount}, within=settings.wait_seconds)
    name = f"room-{address}"
    found = _authority(vault, name) if ready else None
    good = found is not None and _left(found) >= timedelta(days=CERTIFICATE_DAYS)

    def make() -> None:
        if found is not None:
            vault.delete(f"{MOUNT}/issuer/{name}")
        vault.write(f"{MOUNT}/root/generate/internal", _root(address, name))

    ledger.settle(PART, "authority", f"{MOUNT} {address}", exists=found is not None, equal=good, act=make)
    settle(vault, ledger, "certificate role", f"{MOUNT}/roles/{ROLE}", _role(address), readable=ready)
    authority = found if good else None if ledger.dry_run else _authority(vault, name)
    front = folder / FRONT
    ledger.settle(
        PART,
        "certificate",
        address,
        exists=front.exists(),
        equal=authority is not None and _is_current(folder, address, authority),
        act=lambda: _sign(vault, name, address, folder),
    )


def _authority(vault: VaultAdmin, name: str) -> x509.Certificate | None:
    known: dict[str, Any] = vault.list(f"{MOUNT}/issuers").get("key_info") or {}
    if name not in {issuer.get("issuer_name") for issuer in known.values()}:
        return None
    issuer = vault.read(f"{MOUNT}/issuer/{name}") or {}
    return x509.load_pem_x509_certificate(str(issuer["certificate"]).encode())


def _root(address: str, name: str) -> dict[str, Any]:
    """OpenBao knows no ranges of addresses, and passes over that field; an IP address's authority names no host."""
    ip = is_ip(address)
    return {
        "common_name": f"Workshop at {address}",
        "organization": ["MCP Remote Vault demo"],
        "issuer_name": name,
        "key_type": "ec",
        "key_bits": 256,
        "ttl": f"{AUTHORITY_DAYS * 24}h",
        "max_path_length": 0,
        "exclude_cn_from_sans": True,
        "permitted_dns_domains": [NO_NAME if ip else address],
        **({"permitted_ip_ranges": [f"{address}/32"]} if ip else {}),
    }


def _role(address: str) -> dict[str, Any]:
    return {
        "key_type": "ec",
        "key_bits": 256,
        "server_flag": True,
        "client_flag": False,
        "allow_any_name": False,
        "allow_localhost": False,
        "allow_bare_domains": True,
        "allowed_domains": [address],
        "allow_ip_sans": is_ip(address),
        "allow_wildcard_certificates": False,
        "require_cn": False,
        "use_csr_common_name": False,
        "use_csr_sans": False,
        "ttl": CERTIFICATE_DAYS * 86_400,
        "max_ttl": CERTIFICATE_DAYS * 86_400,
    }


def _sign(vault: VaultAdmin, name: str, address: str, folder: Path) -> None:
    """A certificate for a key that is made here (Vault API: POST pki/issuer/:ref/sign/:role)."""
    key, request = new_key()
    names = {"ip_sans": address} if is_ip(address) else {"alt_names": address}
    asked = {"csr": request, "exclude_cn_from_sans": True, "ttl": f"{CERTIFICATE_DAYS * 24}h"} | names
    signed = vault.write(f"{MOUNT}/issuer/{name}/sign/{ROLE}", asked)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_private(folder / AUTHORITY, f"{signed['issuing_ca']}\n")
    write_private(folder / FRONT, f"{key.get_secret_value()}\n{signed['certificate']}\n{signed['issuing_ca']}\n")


def _is_current(folder: Path, address: str, authority: x509.Certificate) -> bool:
    """Whether the files hold a certificate of this authority for this address, with its key, that is good for days."""
    try:
        kept = x509.load_pem_x509_certificates((folder / FRONT).read_bytes())[0]
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(folder / FRONT)
        shown = x509.load_pem_x509_certificate((folder / AUTHORITY).read_bytes())
        names = kept.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        kept.verify_directly_issued_by(authority)
    except Exception:
        return False
    wanted = names.get_values_for_type(x509.IPAddress) if is_ip(address) else names.get_values_for_type(x509.DNSName)
    return shown == authority and address in map(str, wanted) and _left(kept) >= timedelta(days=RENEWED_DAYS)


def _left(certificate: x509.Certificate) -> timedelta:
    return certificate.not_valid_after_utc - datetime.now(UTC)
