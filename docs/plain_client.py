"""An MCP client in plain HTTP: from nothing but a server's address to a tool's answer, every step visible.

    .venv/bin/python docs/plain_client.py http://localhost:3001/mcp get_issue '{"issue_key": "PROJ-1"}'

It needs `requests` and a browser. Each step names the standard that it follows.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import secrets
import sys
import webbrowser
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import requests

VERSION = "2026-07-28"

Json = dict[str, Any]
Visit = Callable[[str], None]
"""Shows a person an address; what comes back arrives at the redirect address."""


_META = {
    "io.modelcontextprotocol/protocolVersion": VERSION,
    "io.modelcontextprotocol/clientInfo": {"name": "plain-client", "version": "1.0"},
    "io.modelcontextprotocol/clientCapabilities": {},
}
"""What each request says of the client: there is no session that would remember it."""


def main() -> None:
    """Call the tool that the command line names, and print what it answers."""
    url, tool, *arguments = sys.argv[1:]
    with Client(url) as client:
        client.sign_in(open_browser)
        print(json.dumps(client.call(tool, json.loads(arguments[0]) if arguments else {}), indent=2))


def open_browser(address: str) -> bool:
    """Open the page for signing in, and print where it is: there may be no browser here."""
    print(f"Sign in at {address}", file=sys.stderr, flush=True)
    return webbrowser.open(address)


class Client:
    """One server's client; `scope`: what to ask for, else what the server's challenge names.

    `document`: where this program's client-id metadata document lies, which then is its id wherever such documents are
    taken; else it registers anew.
    """

    def __init__(self, url: str, *, scope: str = "", document: str = "") -> None:
        self.url, self.scope, self.document, self.token = url, scope, document, ""
        self.http = requests.Session()
        self.http.trust_env = False

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def sign_in(self, visit: Visit) -> None:
        """Get a token for this server: discovery, registration, the person's consent, redemption."""
        self.token = ""
        server, scope = self.discover()
        with _Listener() as listener:
            if self.document and server.get("client_id_metadata_document_supported"):
                client_id = self.document
            else:
                client_id = self.register(server["registration_endpoint"], listener.address, scope)
            verifier, state = secrets.token_urlsafe(48), secrets.token_urlsafe(16)
            visit(self.authorization(server, client_id, listener.address, scope, verifier, state))
            answer = listener.answer()
        # RFC 9207: the answer names who gave it, so that another server's code is not sent here.
        if answer.get("state") != state or answer.get("iss") != server["issuer"] or "code" not in answer:
            raise SystemExit(f"Not signed in: {answer.get('error_description') or answer.get('error') or 'bad answer'}")
        redeemed = self.http.post(
            server["token_endpoint"],
            data={
                "grant_type": "authorization_code",
                "client_id": client_id,
                "code": answer["code"],
                "code_verifier": verifier,
                "redirect_uri": listener.address,
                "resource": self.url,
            },
            timeout=30,
        )
        self.token = _good(redeemed)["access_token"]

    def discover(self) -> tuple[Json, str]:
        """The authorization server's metadata, and the scope that the server's challenge asks for."""
        refused = self._post({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}})
        # RFC 9728 §5.1: the refusal names the resource's metadata.
        challenge = dict(re.findall(r'(\w+)="([^"]*)"', refused.headers["WWW-Authenticate"]))
        resource = _good(self.http.get(challenge["resource_metadata"], timeout=30))
        if resource["resource"] != self.url:
            raise SystemExit(f"The metadata is about {resource['resource']}, not about {self.url}.")
        # RFC 8414 §3.1: the well-known part goes between the issuer's host and its path.
        issuer = resource["authorization_servers"][0]
        parts = urlsplit(issuer)
        found = f"{parts.scheme}://{parts.netloc}/.well-known/oauth-authorization-server{parts.path}"
        server = _good(self.http.get(found, timeout=30))
        if server["issuer"] != issuer or "S256" not in server["code_challenge_methods_supported"]:
            raise SystemExit("The authorization server's metadata does not fit.")
        return server, self.scope or challenge["scope"]

    def register(self, endpoint: str, redirect: str, scope: str) -> str:
        """A client id of this program's own (RFC 7591), for a public client."""
        client = {
            "client_name": "Plain client",
            "redirect_uris": [redirect],
            "grant_types": ["authorization_code"],
            "token_endpoint_auth_method": "none",
            "scope": scope,
        }
        return str(_good(self.http.post(endpoint, json=client, timeout=30))["client_id"])

    def authorization(self, server: Json, client_id: str, redirect: str, scope: str, verifier: str, state: str) -> str:
        """Where the person signs in and agrees (RFC 7636: S256; RFC 8707: for this resource)."""
        digest = hashlib.sha256(verifier.encode()).digest()
        query = {
            "response_type": "code",
            "client_id": client_id,
            "redirect_uri": redirect,
            "scope": scope,
            "state": state,
            "resource": self.url,
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        return f"{server['authorization_endpoint']}?{urlencode(query)}"

    def call(self, tool: str, arguments: Json) -> Json:
        """A tool's structured result."""
        result: Json = _good(self.ask(tool, arguments))["result"]
        if result.get("isError"):
            raise SystemExit(result["content"][0]["text"])
        return dict(result["structuredContent"])

    def ask(self, tool: str, arguments: Json) -> requests.Response:
        """The answer to a tool call as it came: 403 names the scope that is missing."""
        parameters = {"name": tool, "arguments": arguments, "_meta": _META}
        return self._post({"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": parameters}, name=tool)

    def _post(self, message: Json, *, name: str = "") -> requests.Response:
        headers = {
            "Accept": "application/json, text/event-stream",
            "MCP-Protocol-Version": VERSION,
            "Mcp-Method": message["method"],
            **({"Mcp-Name": name} if name else {}),
            **({"Authorization": f"Bearer {self.token}"} if self.token else {}),
        }
        return self.http.post(self.url, json=message, headers=headers, timeout=30)


class _Listener:
    """Waits on a free loopback port for the browser to come back (RFC 8252 §7.3)."""

    def __enter__(self) -> _Listener:
        answers: list[dict[str, str]] = []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                answers.append({name: found[0] for name, found in parse_qs(urlsplit(self.path).query).items()})
                self.send_response(200)
                self.end_headers()
                self.wfile.write(b"Signed in. You can close this page.")

            def log_message(self, *_: object) -> None:
                """The address holds a code: it is not printed."""

        self._answers, self._server = answers, HTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._server.server_port}/callback"
        return self

    def __exit__(self, *_: object) -> None:
        self._server.server_close()

    def answer(self) -> dict[str, str]:
        """The redirect's parameters."""
        while not self._answers:
            self._server.handle_request()
        return self._answers[0]


def _good(answer: requests.Response) -> Json:
    if not answer.ok:
        raise SystemExit(f"HTTP {answer.status_code} from {answer.url.partition('?')[0]}: {answer.text[:300]}")
    return dict(answer.json())


if __name__ == "__main__":
    main()
