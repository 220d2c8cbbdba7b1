"""``python healthcheck.py PORT …``: exit code 0 when ``/health`` answers 200 on every port of this container.

``tls:PORT`` is asked over TLS; whose certificate that is does not matter to a question within the container. It is
asked by a name that its settings allow: the container's own in ``…ALLOWED_HOSTS``, whatever its public address is.
"""

import http.client
import os
import ssl
import sys


def host() -> str:
    """The first name that the process's settings allow beside its public one."""
    allowed = next((value for name, value in os.environ.items() if name.endswith("ALLOWED_HOSTS")), "")
    return allowed.split(",")[0].strip() or "localhost"


def main() -> int:
    """Ask each port once."""
    for argument in sys.argv[1:]:
        port = argument.removeprefix("tls:")
        connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=4)
        if port != argument:
            anybody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            anybody.check_hostname, anybody.verify_mode = False, ssl.CERT_NONE
            connection = http.client.HTTPSConnection("127.0.0.1", int(port), timeout=4, context=anybody)
        try:
            connection.request("GET", "/health", headers={"Host": f"{host()}:{port}"})
            if connection.getresponse().status != http.HTTPStatus.OK:
                return 1
        except (OSError, http.client.HTTPException):
            return 1
        finally:
            connection.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
