"""TLS for a port behind a checked one: a certificate that names nobody, so that no browser talks to it for a page."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)
from cryptography.x509.oid import NameOID

from fastmcp_vault.files import write_private

DAYS = 3650

NAME = "behind-the-check-of-host"
"""Whom the certificate is for: no name that can be looked up."""


class InnerIdentity:
    """A key and its own certificate in ``folder``, made once."""

    def __init__(self, folder: Path) -> None:
        self.pem, self.key, self.store = (folder / f"inner.{ending}" for ending in ("pem", "key", "p12"))

    def make(self, password: str = "") -> None:
        """Write what is not there yet: PEM files, and with a ``password`` also a PKCS #12 store, for Java."""
        if self.key.exists() and (not password or self.store.exists()):
            return
        key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
        builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(days=1))
        made = builder.not_valid_after(now + timedelta(days=DAYS)).sign(key, hashes.SHA256())
        self.pem.write_bytes(made.public_bytes(Encoding.PEM))
        write_private(self.key, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())
        if password:
            sealed = BestAvailableEncryption(password.encode())
            self.store.touch(mode=0o600)
            self.store.write_bytes(pkcs12.serialize_key_and_certificates(NAME.encode(), key, made, None, sealed))
