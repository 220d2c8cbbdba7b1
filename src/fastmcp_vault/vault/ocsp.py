"""Whether a certificate of Vault's PKI engine is revoked: asks its authority (RFC 6960; Vault API: pki/ocsp).

Needs no token. Vault answers from its storage: a revocation is seen by the next question, without a list to wait for.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import httpx2
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509 import ocsp

from fastmcp_vault.errors import VaultUnavailable
from fastmcp_vault.http import async_client, async_transport
from fastmcp_vault.tracing.wire import TracedTransport

_FIX = "Check that Vault is up; then try again."
_SKEW = timedelta(minutes=1)
REMEMBERED = 1_000


class Revocations:
    """Asks one authority at ``addr``/v1/``mount``; an answer "good" is used for ``trust_for`` seconds. One event loop.

    ``clock``: seconds since the epoch.
    """

    def __init__(
        self,
        addr: str,
        *,
        mount: str,
        authority: x509.Certificate,
        trust_for: float = 0.0,
        clock: Callable[[], float] = time.time,
        client: httpx2.AsyncClient | None = None,
    ) -> None:
        self._url = f"{addr.rstrip('/')}/v1/{mount}/ocsp"
        self._authority, self._trust_for, self._clock = authority, trust_for, clock
        self._client = client or async_client(timeout=2.0, transport=TracedTransport(async_transport(connections=8)))
        self._good: dict[int, float] = {}

    async def revoked(self, certificate: x509.Certificate) -> bool:
        """True unless the authority says that this certificate is good. Raises VaultUnavailable if it says nothing."""
        now, serial = self._clock(), certificate.serial_number
        if now - self._good.get(serial, float("-inf")) < self._trust_for:
            return False
        answer = await self._ask(certificate)
        good = self._status(answer, serial) is ocsp.OCSPCertStatus.GOOD
        self._good.pop(serial, None)
        if good and self._trust_for:
            self._good[serial] = now
            while len(self._good) > REMEMBERED:
                del self._good[next(iter(self._good))]
        return not good

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _ask(self, certificate: x509.Certificate) -> ocsp.OCSPResponse:
        question = ocsp.OCSPRequestBuilder().add_certificate(certificate, self._authority, hashes.SHA256()).build()
        try:
            answer = await self._client.post(
                self._url,
                content=question.public_bytes(serialization.Encoding.DER),
                headers={"Content-Type": "application/ocsp-request"},
            )
            return ocsp.load_der_ocsp_response(answer.content)
        except (httpx2.HTTPError, ValueError) as error:
            raise VaultUnavailable("Vault does not say whether the certificate is revoked.", fix=_FIX) from error

    def _status(self, answer: ocsp.OCSPResponse, serial: int) -> ocsp.OCSPCertStatus:
        """What it says about this certificate; an answer that is not the authority's own, or not of now, is none."""
        if answer.response_status is ocsp.OCSPResponseStatus.UNAUTHORIZED:
            # Not one of this authority's certificates (RFC 6960 §2.3).
            return ocsp.OCSPCertStatus.UNKNOWN
        now = datetime.fromtimestamp(self._clock(), UTC)
        try:
            key, algorithm = self._authority.public_key(), answer.signature_hash_algorithm
            if not isinstance(key, ec.EllipticCurvePublicKey) or algorithm is None:
                raise ValueError("not the kind of key that our authority has")
            key.verify(answer.signature, answer.tbs_response_bytes, ec.ECDSA(algorithm))
            until = answer.next_update_utc
            if answer.serial_number != serial or (until is not None and until + _SKEW < now):
                raise ValueError("an answer to another question, or of another time")
        except (InvalidSignature, ValueError) as error:
            raise VaultUnavailable("What was said about the certificate is not its authority's.", fix=_FIX) from error
        return answer.certificate_status
