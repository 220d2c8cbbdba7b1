"""The certificate that a client proved to hold in the TLS handshake, as an application finds it in its requests.

uvicorn does not hand it on (ASGI's TLS extension is a draft), but copies its own ``app_state`` into every request of a
connection: so it goes there, once per connection.
"""

from __future__ import annotations

import asyncio
import ssl
from typing import Any

from starlette.requests import HTTPConnection

from services.patience import PatientProtocol

_STATE = "peer_certificate"


class PeerProtocol(PatientProtocol):
    """HTTP/1.1, with the client's certificate (DER) in each request's state; None on a plain connection."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """The handshake is through: the certificate is verified, if one was sent."""
        tls: ssl.SSLObject | None = transport.get_extra_info("ssl_object")
        self.app_state = {**self.app_state, _STATE: tls.getpeercert(binary_form=True) if tls else None}
        super().connection_made(transport)


def certificate_of(request: HTTPConnection) -> bytes | None:
    """The client's certificate (DER) on this connection; None when it sent none, or the connection is plain.

    Verified in the handshake against the authorities of the endpoint's context; whether it is revoked, or has expired
    since, is still to be asked.
    """
    state: dict[str, Any] = request.scope.get("state", {})
    found = state.get(_STATE)
    return found if isinstance(found, bytes) else None
