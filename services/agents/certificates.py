"""Who an agent is: what its certificate says, once the handshake has verified it. The subject decides nothing."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass

from cryptography import x509

from services.agents.errors import InvalidClient

AGENT = "urn:mcp-remote-vault:agent:"
SCOPE = "urn:mcp-remote-vault:scope:"
"""The URI names (RFC 5280 §4.2.1.6) that Vault's roles let a certificate carry: one agent, and what it may ask for."""

SCOPES = {
    "agent:commands": "Read the commands for this agent, and its configuration",
    "agent:results": "Report on commands",
    "agent:dispatch": "Give commands to agents of the same owner",
}


@dataclass(frozen=True, slots=True)
class AgentCertificate:
    """An agent's certificate. Times: seconds since the epoch."""

    name: str
    """``NAME``, or ``OWNER:NAME`` for an agent that belongs to a person."""
    scopes: frozenset[str]
    thumbprint: str
    """``x5t#S256`` (RFC 8705 §3.1)."""
    certificate: x509.Certificate
    not_before: float
    not_after: float

    def check_time(self, now: float) -> None:
        """Still valid, however long the connection has been open. Raises InvalidClient."""
        if not self.not_before <= now < self.not_after:
            raise InvalidClient("The client certificate has expired.", fix="Get a new one: `./demo agent new`.")


def thumbprint(der: bytes) -> str:
    """The base64url SHA-256 of a certificate (DER): ``x5t#S256`` (RFC 8705 §3.1)."""
    return base64.urlsafe_b64encode(hashlib.sha256(der).digest()).rstrip(b"=").decode()


def owner_of(agent: str) -> str:
    """Whose agent this is: the person before the colon, or nobody's (the operators')."""
    owner, colon, _ = agent.partition(":")
    return owner if colon else ""


def read(der: bytes | None, *, now: float) -> AgentCertificate:
    """The agent that a connection's certificate (DER) names. Raises InvalidClient."""
    if der is None:
        raise InvalidClient("No client certificate was sent.", fix="Connect with one: `./demo agent new NAME`.")
    try:
        certificate = x509.load_der_x509_certificate(der)
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        uris = names.get_values_for_type(x509.UniformResourceIdentifier)
    except (ValueError, x509.ExtensionNotFound) as error:
        raise InvalidClient("The client certificate names no agent.") from error
    agents = [uri.removeprefix(AGENT) for uri in uris if uri.startswith(AGENT)]
    if len(agents) != 1:
        raise InvalidClient("The client certificate must name one agent.")
    found = AgentCertificate(
        name=agents[0],
        scopes=frozenset(uri.removeprefix(SCOPE) for uri in uris if uri.startswith(SCOPE)) & SCOPES.keys(),
        thumbprint=thumbprint(der),
        certificate=certificate,
        not_before=certificate.not_valid_before_utc.timestamp(),
        not_after=certificate.not_valid_after_utc.timestamp(),
    )
    found.check_time(now)
    return found
