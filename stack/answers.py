"""Whether a server of the stack answers its health check."""

from __future__ import annotations

import http.client
import ssl

from stack.ports import LOOPBACK


def answers(port: int, path: str, *, tls: bool = False, at: str = LOOPBACK, host: str = "localhost") -> bool:
    """True when ``GET path`` on that port brings a 200 within five seconds; ``host``: the name that is asked for."""
    connection = http.client.HTTPConnection(at, port, timeout=5)
    if tls:
        # Whether it serves, not whose it is: nothing is sent, and nothing of the answer is used.
        connection = http.client.HTTPSConnection(at, port, timeout=5, context=_unverified())
    try:
        connection.request("GET", path, headers={"Host": f"{host}:{port}"})
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _unverified() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context
