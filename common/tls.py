"""X.509 keys and TLS contexts from PEM texts: requests to be signed, servers that ask for a certificate, clients."""

from __future__ import annotations

import ssl
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pydantic import SecretStr


@dataclass(frozen=True, slots=True)
class TlsIdentity:
    """A private key and its certificate; ``chain`` is what is sent: the certificate, then its authority (PEM)."""

    key: SecretStr
    chain: str
    authority: str = field(default="")
    """The certificate of the authority that signed it (PEM): whom the other side is checked against."""

    @property
    def certificate(self) -> x509.Certificate:
        """The certificate itself, without its chain."""
        return x509.load_pem_x509_certificates(self.chain.encode())[0]

    @property
    def issuer(self) -> x509.Certificate:
        """The authority's own certificate."""
        return x509.load_pem_x509_certificate(self.authority.encode())


def new_key() -> tuple[SecretStr, str]:
    """A new P-256 key and a bare request to sign it (PKCS #10), both PEM: the key never leaves who made it.

    The request names nobody: who signs it decides about names.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    request = x509.CertificateSigningRequestBuilder().subject_name(
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "decided by the authority")])
    )
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    signed = request.sign(key, hashes.SHA256())
    return SecretStr(pem), signed.public_bytes(serialization.Encoding.PEM).decode()


def server_context(identity: TlsIdentity) -> ssl.SSLContext:
    """TLS as a server that asks for a client's certificate, and verifies one that is sent against ``authority`` alone.

    Without a certificate the handshake goes through, so that metadata and health can be read: what needs one must look.
    No session is resumed: each connection proves its key.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_mode = ssl.CERT_OPTIONAL
    # The authority is trusted itself, not whatever else its root may sign.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN | ssl.VERIFY_X509_STRICT
    context.load_verify_locations(cadata=identity.authority)
    context.options |= ssl.OP_NO_TICKET
    context.num_tickets = 0
    present(context, identity)
    return context


def client_context(authority: str, identity: TlsIdentity | None = None) -> ssl.SSLContext:
    """TLS as a client that trusts ``authority`` (PEM) alone, with a certificate of its own where it has one."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.load_verify_locations(cadata=authority)
    if identity is not None:
        present(context, identity)
    return context


def present(context: ssl.SSLContext, identity: TlsIdentity) -> None:
    """Show this certificate from the next handshake on."""
    # Python's ssl takes keys from files only; the folder is its owner's alone, and gone when the key is read.
    with tempfile.TemporaryDirectory(prefix="tls-") as folder:
        file = Path(folder) / "identity.pem"
        file.touch(mode=0o600)
        file.write_text(f"{identity.key.get_secret_value()}\n{identity.chain}\n")
        context.load_cert_chain(file)
