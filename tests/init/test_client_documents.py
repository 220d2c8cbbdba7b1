"""Client-id metadata documents: what is taken from one, and everything for which one is refused."""

from __future__ import annotations

import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from init.client_documents import LIMIT, Document, DocumentRefused, DocumentUnread, check_address, parsed, read
from init.client_documents import read_all as read_documents
from init.keycloak_registration import OFFERED
from tests.support.document_server import REDIRECT, DocumentServer, document_server


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DocumentServer]:
    with document_server(tmp_path_factory.mktemp("documents")) as server:
        yield server


def reading(host: DocumentServer, address: str) -> Document:
    return read(address, local=True, authority=str(host.authority))


def test_a_good_document_is_taken_and_no_more_of_it_than_a_client_needs(host: DocumentServer) -> None:
    address = host.publish(
        "/client.json",
        scope="openid mcp:jira mcp:jira:write",
        jwks_uri="http://localhost:8200/v1/sys/health",
        backchannel_logout_uri="http://localhost:8200/v1/sys/seal",
        request_uris=["http://169.254.169.254/"],
        sector_identifier_uri="http://169.254.169.254/",
        subject_type="pairwise",
        something_new=True,
    )
    assert reading(host, address) == Document(address, "Documented", (REDIRECT,), ("mcp:jira", "mcp:jira:write"))
    assert reading(host, host.publish("/any.json")).scopes == tuple(OFFERED["optional"])


@pytest.mark.parametrize(
    "said",
    [
        # What these applications published in autumn 2026, but for the address.
        {
            "client_name": "Visual Studio Code",
            "logo_uri": "https://code.visualstudio.com/assets/branding/code-stable.png",
            "grant_types": ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"],
            "response_types": ["code"],
            "application_type": "native",
            "client_uri": "https://vscode.dev/product",
            "redirect_uris": ["http://127.0.0.1:33418/", "https://vscode.dev/redirect"],
        },
        {
            "client_name": "Claude Code",
            "client_uri": "https://claude.ai",
            "redirect_uris": ["http://localhost/callback", "http://127.0.0.1/callback"],
        },
        {
            "client_name": "opencode",
            "application_type": "native",
            "redirect_uris": ["http://127.0.0.1/callback", "http://localhost/callback"],
            "token_endpoint_auth_methods_supported": ["none"],
        },
    ],
    ids=lambda said: said["client_name"],
)
def test_the_documents_of_known_clients_are_taken(host: DocumentServer, said: dict[str, Any]) -> None:
    document = reading(host, host.publish("/known.json", **said))
    assert (document.name, list(document.redirects)) == (said["client_name"], said["redirect_uris"])


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "https://vscode.dev/oauth/client-metadata.json"},
        {"without": "client_id"},
        {"client_secret": "x"},
        {"client_secret_expires_at": 0},
        {"token_endpoint_auth_method": "client_secret_basic"},
        {"token_endpoint_auth_method": "private_key_jwt", "jwks_uri": "https://evil.example/jwks"},
        {"token_endpoint_auth_method": None},
        {"grant_types": ["client_credentials"]},
        {"grant_types": "authorization_code"},
        {"response_types": ["token"]},
        {"scope": "mcp:jira vault:login"},
        {"scope": "offline_access"},
        {"scope": "tokens:issue"},
        {"scope": "agent:dispatch"},
        {"scope": ["mcp:jira"]},
        {"without": "redirect_uris"},
        {"redirect_uris": []},
        {"redirect_uris": [f"http://127.0.0.1/{n}" for n in range(21)]},
        {"redirect_uris": [REDIRECT, "http://evil.example/cb"]},
        {"redirect_uris": [REDIRECT, "http://localhost.evil.example/cb"]},
        {"redirect_uris": [REDIRECT, "https://evil.example/*"]},
        {"redirect_uris": [REDIRECT, "https://user@evil.example/cb"]},
        {"redirect_uris": [REDIRECT, "https://evil.example/cb#part"]},
        {"redirect_uris": [REDIRECT, "javascript:alert(1)"]},
        {"redirect_uris": [REDIRECT, "myapp://callback"]},
        {"redirect_uris": [REDIRECT, f"{REDIRECT}\nhttps://evil.example/"]},
        {"redirect_uris": [REDIRECT, 7]},
        {"without": "client_name"},
        {"client_name": "x" * 81},
        {"client_name": "Documented\u202egpj.exe"},
        {"client_name": "<b>Keycloak</b>"},
        {"client_name": "line\nbreak"},
    ],
    ids=repr,
)
def test_what_no_client_may_have_is_refused(host: DocumentServer, changes: dict[str, Any]) -> None:
    with pytest.raises(DocumentRefused):
        reading(host, host.publish("/bad.json", **changes))


@pytest.mark.parametrize("body", [b"", b"<html>", b"null", b"[]", b"\xff\xfe", b"[" * 5000, b'{"client_id": NaN}'])
def test_garbage_is_refused(body: bytes) -> None:
    with pytest.raises(DocumentRefused):
        parsed("https://app.example/client.json", body)


@pytest.mark.parametrize(
    "address",
    [
        "http://app.example/client.json",
        "https://app.example",
        "https://app.example/",
        "https://user:pass@app.example/client.json",
        "https://app.example@evil.example/client.json",
        "https://app.example/client.json#part",
        "https://app.example/client.json?who=1",
        "https://app.example/a/../client.json",
        "https://app.example/./client.json",
        "https://app.example/..",
        "https://app.example/%2e%2e/client.json",
        "https://app.example\\@evil.example/client.json",
        "https://APP.example/client.json",
        "HTTPS://app.example/client.json",
        "https://169.254.169.254/latest/meta-data",
        "https://10.0.0.1/client.json",
        "https://127.0.0.1:8200/v1/sys/health",
        "https://localhost:8200/v1/sys/health",
        "https://[::1]/client.json",
        "file:///etc/passwd",
        "app.example/client.json",
    ],
)
def test_other_addresses_are_not_even_asked(address: str) -> None:
    with pytest.raises(DocumentRefused):
        check_address(address)


def test_only_on_this_machine_may_a_document_lie_on_this_machine() -> None:
    for address in ("https://localhost:1234/client.json", "https://127.0.0.1:1234/client.json"):
        check_address(address, local=True)
    with pytest.raises(DocumentRefused):
        check_address("https://169.254.169.254/latest", local=True)


def _redirects(request: BaseHTTPRequestHandler) -> None:
    request.send_response(302)
    request.send_header("Location", "/target.json")
    request.end_headers()


def _trickles(request: BaseHTTPRequestHandler) -> None:
    request.send_response(200)
    request.end_headers()
    for _ in range(100):
        request.wfile.write(b" ")
        time.sleep(0.1)


def test_a_document_that_leads_elsewhere_or_does_not_end_is_not_read(
    host: DocumentServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("init.client_documents.SECONDS", 2.0)
    host.publish("/target.json")
    wanted = {
        host.serve("/redirect.json", _redirects): DocumentUnread,
        host.serve("/trickle.json", _trickles): DocumentUnread,
        host.serve("/huge.json", b" " * (LIMIT + 1)): DocumentRefused,
        f"{host.base}/nothing.json": DocumentUnread,
        "https://localhost:1/client.json": DocumentUnread,
        host.publish("/good.json"): Document,
    }
    outcome = read_documents(wanted, local=True, authority=str(host.authority))
    assert {address: type(found) for address, found in outcome.items()} == wanted
    assert "/target.json" not in host.seen


def test_a_host_that_nobody_vouches_for_is_not_believed(host: DocumentServer) -> None:
    with pytest.raises(DocumentUnread, match="SSLError"):
        read(host.publish("/client.json"), local=True)
