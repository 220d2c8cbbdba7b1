"""No port of a running stack answers a web page whose own name was made to point at this machine (DNS rebinding)."""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
from pathlib import Path

import psutil
import pytest

from stack import control
from stack.services import PORTS, SERVICES
from stack.testing import Stack
from tests.support.people import Person

OTHERS = {"postgres", "openbao-cluster", "keycloak-inner", *(p for s in SERVICES if s.optional for p in s.ports)}
HTTP = [name for name in PORTS if name not in OTHERS]
PATHS = {"openbao": "/v1/sys/health"} | {name: "/metrics" for name in PORTS if name.endswith("-metrics")}
FOREIGN = "evil.example"


def spoken(port: int, request: str, *, tls: bool = False, seconds: float = 10.0) -> bytes:
    """What a port sends back for these bytes, until it hangs up; nothing when it hangs up or stays silent."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with (
        contextlib.suppress(OSError),
        socket.create_connection(("127.0.0.1", port), timeout=seconds) as plain,
        context.wrap_socket(plain) if tls else plain as connection,
    ):
        connection.sendall(request.encode())
        return b"".join(iter(lambda: connection.recv(65536), b""))
    return b""


def head(path: str, host: str, *more: str, method: str = "GET") -> str:
    return "\r\n".join([f"{method} {path} HTTP/1.1", f"Host: {host}", "Connection: close", *more, "", ""])


def status(answer: bytes) -> int | None:
    """An HTTP answer's status; None when it is no HTTP."""
    found = re.match(rb"HTTP/1\.[01] (\d{3})", answer)
    return int(found[1]) if found else None


def listening(stack: Stack) -> set[int]:
    """Every TCP port on which a process of this stack listens, promised or not."""
    found: set[int] = set()
    for process in control.processes_of(stack.layout):
        with contextlib.suppress(psutil.Error):
            found |= {c.laddr.port for c in process.net_connections("tcp") if c.status == psutil.CONN_LISTEN}
    return found


@pytest.mark.parametrize("name", HTTP)
def test_every_http_port_refuses_a_foreign_host_and_answers_to_its_own(stack: Stack, name: str) -> None:
    tls = name in ("biz-service-tls", "agent-auth")
    path = PATHS.get(name, "/health")
    for host in (FOREIGN, f"{FOREIGN}:{stack.ports[name]}", f"localhost.{FOREIGN}", f"{FOREIGN}#localhost", ""):
        assert status(spoken(stack.ports[name], head(path, host), tls=tls)) in (400, 403, 421), host
    assert status(spoken(stack.ports[name], head(path, f"localhost:{stack.ports[name]}"), tls=tls)) == 200


def test_no_other_port_of_the_stack_serves_such_a_page(stack: Stack) -> None:
    """Keycloak's and Vault's own ports among them: not advertised is not closed, a page can try every one."""
    found = listening(stack)
    assert {stack.ports["openbao"], stack.ports["keycloak"], stack.ports["keycloak-inner"]} <= found
    line = f"X-Vault-Token: {stack.secrets['VAULT_TOKEN']}"
    for port in sorted(found - {stack.ports[name] for name in HTTP}):
        for asked in (("GET", "/v1/sys/mounts"), ("GET", "/realms/mcp-demo"), ("PROXY", "/"), ("GET", "/health")):
            answer = spoken(port, head(asked[1], FOREIGN, line, method=asked[0]), seconds=1)
            assert status(answer) in (None, 400, 403, 404, 421), (port, asked, answer[:200])


def test_the_root_token_reads_nobodys_credential_for_a_page(stack: Stack, alice: Person) -> None:
    port, path = stack.ports["openbao"], f"/v1/secret/data/users/{alice.username}/jira"
    known = "X-Vault-Token: root-token"
    stored = spoken(port, head(path, f"localhost:{port}", known))
    assert (status(stored), b"api_token" in stored) == (200, True), "without a page it is the administrator's"
    for target in (path, f"http://localhost:{port}{path}", f"http://{FOREIGN}{path}"):
        answer = spoken(port, head(target, FOREIGN, known))
        assert (status(answer), b"api_token" in answer) == (421, False), target
    for more in ("Host: localhost", "X-Forwarded-Host: localhost", "Forwarded: host=localhost"):
        answer = spoken(port, head(path, FOREIGN, known, more))
        assert (status(answer), b"api_token" in answer) == (421, False), more


def test_the_published_administrator_signs_in_for_no_page(stack: Stack) -> None:
    port = stack.ports["keycloak"]
    form = "grant_type=password&client_id=admin-cli&username=admin&password=admin"
    lines = ["Content-Type: application/x-www-form-urlencoded", f"Content-Length: {len(form)}"]
    path = "/realms/master/protocol/openid-connect/token"
    mine = spoken(port, head(path, f"localhost:{port}", *lines, method="POST") + form)
    assert (status(mine), b"access_token" in mine) == (200, True)
    answer = spoken(port, head(path, FOREIGN, *lines, method="POST") + form)
    assert (status(answer), b"access_token" in answer) == (421, False)


def test_keycloak_still_sees_who_is_calling(stack: Stack) -> None:
    """Its log of failed sign-ins, and what it demands of callers from elsewhere, go by the caller's address."""
    log = stack.layout.logs / "keycloak.log"
    began = log.stat().st_size
    form = "grant_type=password&client_id=admin-cli&username=nobody-of-this-test&password=x"
    lines = ["Content-Type: application/x-www-form-urlencoded", f"Content-Length: {len(form)}"]
    path = "/realms/master/protocol/openid-connect/token"
    assert status(spoken(stack.ports["keycloak"], head(path, "localhost", *lines, method="POST") + form)) == 400
    said = log.read_bytes()[began:].decode()
    assert re.search(r'ipAddress="127\.0\.0\.1".*nobody-of-this-test', said), said[-2000:]


def test_vaults_own_socket_is_its_users_alone(stack: Stack) -> None:
    place: Path = stack.layout.data / "openbao" / "api.sock"
    assert place.stat().st_mode & 0o077 == 0
    assert place.parent.stat().st_mode & 0o077 == 0
