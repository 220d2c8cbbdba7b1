"""Whether a server of the stack answers its health check."""

from __future__ import annotations

import http.client
import ssl

from stack.ports import LOOPBACK


def answers(port: int, path: str, *, tls: bool = False) -> bool:
    """True when ``GET path`` on that loopback port brings a 200 within five seconds."""
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=5)
    if tls:
        # Whether it serves, not whose it is: nothing is sent, and nothing of the answer is used.
        connection = http.client.HTTPSConnection(LOOPBACK, port, timeout=5, context=_unverified())
    try:
        connection.request("GET", path, headers={"Host": f"localhost:{port}"})
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _unverified() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context
