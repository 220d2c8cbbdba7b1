"""``python healthcheck.py PORT …``: exit code 0 when ``/health`` answers 200 on every port of this container."""

import http.client
import sys


def main() -> int:
    """Ask each port once."""
    for port in sys.argv[1:]:
        connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=4)
        try:
            connection.request("GET", "/health", headers={"Host": f"localhost:{port}"})
            if connection.getresponse().status != http.HTTPStatus.OK:
                return 1
        except (OSError, http.client.HTTPException):
            return 1
        finally:
            connection.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
