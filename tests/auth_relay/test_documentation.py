"""docs/CHATBOT.md, its blocks run: a chatbot made of what people copy from it works against the real servers."""

from __future__ import annotations

import asyncio
import base64
import json
import re
import secrets
import shutil
import subprocess
from pathlib import Path
from typing import Any

import playwright
import pytest
import requests
from pydantic import SecretStr

from common.settings import load
from fastmcp_vault.errors import (
    ClientSuspended,
    KeycloakUnavailable,
    LoginFailed,
    PersonSuspended,
    StateUnavailable,
)
from fastmcp_vault.vault import Vault, VaultSession
from fastmcp_vault.vault.logins import approle
from mock_services.chatbot.problems import MessageRefused
from mock_services.chatbot.receiver import Receiver
from services.auth_relay.app import RelayProblem
from services.auth_relay.clients import Clients
from services.auth_relay.settings import RelaySettings
from stack.layout import ROOT
from tests.auth_relay.chatting import Browser, Programs
from tests.auth_relay.conftest import hmac_secret
from tests.support.documents import block, blocks, module
from tests.support.odd_server import OddServer
from tests.support.people import Person

DOCUMENT = "docs/CHATBOT.md"
NODE = shutil.which("node") or str(Path(playwright.__file__).parent / "driver" / "node")
"""Playwright brings a Node of its own."""

DRIVER = """
import { sign, verify, Refused } from "./envelope.mjs"
import { readFileSync } from "node:fs"

const { cases, message, secret } = JSON.parse(readFileSync(0, "utf8"))
const seen = new Map()
const verdicts = cases.map(({ body, header, secret, expected, now }) => {
  try {
    return verify(Buffer.from(body, "base64"), header, secret, expected, seen, now).chatbot_user_id
  } catch (error) {
    if (!(error instanceof Refused)) throw error
    return error.message
  }
})
const [body, headers] = sign(message, secret)
console.log(JSON.stringify({ verdicts, body: body.toString("utf8"), headers }))
"""


def node(folder: Path, **given: Any) -> dict[str, Any]:
    """What the document's Node block says of these cases, and a message that it signed."""
    (folder / "envelope.mjs").write_text(block(DOCUMENT, "envelope.mjs"))
    (folder / "driver.mjs").write_text(DRIVER)
    done = subprocess.run(
        [NODE, "driver.mjs"],
        cwd=folder,
        input=json.dumps(given),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def python(cases: list[dict[str, Any]]) -> list[str]:
    envelope, seen = module(DOCUMENT, "envelope.py"), {}
    verdicts = []
    for case in cases:
        body = base64.b64decode(case["body"])
        try:
            message = envelope.verify(body, case["header"], case["secret"], case["expected"], seen, case["now"])
            verdicts.append(message["chatbot_user_id"])
        except envelope.Refused as refusal:
            verdicts.append(str(refusal))
    return verdicts


def ours(cases: list[dict[str, Any]]) -> list[str]:
    """The mock chatbot's own receivers, one for each secret and addressee, none of them younger than the message."""
    now = [min(case["now"] for case in cases)]
    made: dict[tuple[str, str], Receiver] = {}
    verdicts = []
    for case in cases:
        expected, secret = case["expected"], SecretStr(case["secret"])
        key = (case["secret"], expected["client_key"])
        receiver = made.setdefault(key, Receiver(secret, **expected, clock=lambda: now[0]))
        now[0] = case["now"]
        try:
            verdicts.append(receiver.receive(base64.b64decode(case["body"]), case["header"]).chatbot_user_id)
        except MessageRefused:
            verdicts.append("refused")
    return verdicts


@pytest.fixture
def handed_over(two_workers: Programs, odd: OddServer, person: Person) -> tuple[bytes, str]:
    """What a real relay sent after a real sign-in: the body and its signature."""
    odd.status, odd.mute, odd.hang_up = 200, False, False
    odd.headers_seen.clear()
    odd.forms_seen.clear()
    wanted = {"client_key": "odd", "callback_url": f"{odd.url}/callback", "redirect_after": f"{odd.url}/done"}
    link = two_workers.link(chatbot_user_id="Zoë ☃", **wanted)
    assert Browser(two_workers).sign_in(link, person).status_code == 303
    (body,), (headers,) = odd.forms_seen, odd.headers_seen
    return body.encode(), headers["X-Relay-Signature"]


def test_python_node_and_the_mock_chatbot_believe_and_refuse_the_same(
    handed_over: tuple[bytes, str], tmp_path: Path
) -> None:
    body, header = handed_over
    message = json.loads(body)
    expected = {name: message[name] for name in ("client_key", "issuer", "aud")}
    altered = body.replace("Zoë".encode(), b"Mallory")
    assert altered != body

    def case(body: bytes = body, header: str = header, seconds: int = 0, **changes: Any) -> dict[str, Any]:
        good = {"secret": hmac_secret("odd"), "expected": expected, "now": message["ts"] + seconds}
        return {"body": base64.b64encode(body).decode(), "header": header, **good, **changes}

    cases = {
        "signature": [
            case(altered),
            case(json.dumps(message, ensure_ascii=False).encode()),
            case(header=""),
            case(header=header + "="),
            case(header="ü" * 43),
            case(secret=hmac_secret("dead")),
        ],
        "clock": [case(seconds=61), case(seconds=-61)],
        "meant for another": [case(expected={**expected, "client_key": "demo-chatbot"})],
        "Zoë ☃": [case(seconds=60)],
        "replay": [case(seconds=60), case()],
    }
    wanted = [verdict for verdict, found in cases.items() for _ in found]
    given = [one for found in cases.values() for one in found]
    assert python(given) == wanted
    assert node(tmp_path, cases=given, message={}, secret="")["verdicts"] == wanted
    assert ours(given) == [verdict if verdict == "Zoë ☃" else "refused" for verdict in wanted]


def test_what_python_and_node_sign_the_relay_believes(programs: Programs, tmp_path: Path) -> None:
    secret = programs.hmac_secret.get_secret_value()
    wanted = programs.wanted(chatbot_user_id="Zoë ☃")
    said = node(tmp_path, cases=[], message=wanted, secret=secret)
    signed = [module(DOCUMENT, "envelope.py").sign(wanted, secret), (said["body"].encode(), said["headers"])]
    for body, headers in signed:
        answer = requests.post(f"{programs.relay}/issue_login_link", data=body, headers=headers, timeout=30)
        assert answer.status_code == 200, answer.text
        again = requests.post(f"{programs.relay}/issue_login_link", data=body, headers=headers, timeout=30)
        assert again.json()["error"] == "invalid_signature", "it was believed for its signature, not for want of one"


async def test_a_token_is_kept_in_vault_refreshed_and_gone_when_it_is_revoked(
    handed_over: tuple[bytes, str], programs: Programs
) -> None:
    store, refresh = module(DOCUMENT, "store.py"), module(DOCUMENT, "refresh.py")
    message, user = json.loads(handed_over[0]), f"doc/../{secrets.token_hex(6)}"
    environment = programs.stack.environment("chatbot")
    login = approle(environment["VAULT_ROLE_ID"], SecretStr(environment["VAULT_SECRET_ID"]))
    realm = f"{programs.stack.url('keycloak')}/realms/mcp-demo/protocol/openid-connect"
    client = ("chatbot-relay", programs.stack.secrets["CHATBOT_RELAY_CLIENT_SECRET"])
    vault = Vault(environment["VAULT_ADDR"])
    async with VaultSession(vault, login) as session:
        await store.keep(vault, session, user, message["offline_refresh_token"])
        token, version = await store.kept(vault, session, user)
        access, seconds, newest = refresh.refresh(f"{realm}/token", *client, token)
        assert access.count(".") == 2
        assert seconds > 60
        assert newest not in (token, access)
        assert await store.keep(vault, session, user, newest, version) == version + 1
        assert (await store.kept(vault, session, user))[0] == newest
        revoked = await asyncio.to_thread(requests.post, f"{realm}/revoke", {"token": newest}, auth=client, timeout=30)
        assert revoked.status_code == 200
        with pytest.raises(refresh.NewLoginNeeded):
            refresh.refresh(f"{realm}/token", *client, newest)
        await vault.delete(session.token, f"secret/metadata/{store.path(user)}")
    await vault.close()


def test_the_registration_is_one_that_the_relay_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (registered,) = blocks(DOCUMENT, "json")
    (tmp_path / "clients.json").write_text(registered)
    monkeypatch.setenv("CLIENTS_FILE", str(tmp_path / "clients.json"))
    environment = {"YOUR_CHATBOT__SECRETS": "a-secret", "YOUR_CHATBOT__HMAC_SECRET": "x" * 32}
    (client,) = Clients(load(RelaySettings), environment=environment).all()
    assert client.redirect_uri == "http://localhost:5600/oidc/callback"
    assert client.issuer == "http://localhost:8080/realms/mcp-demo"


def test_the_errors_are_those_that_the_document_names() -> None:
    text = (ROOT / DOCUMENT).read_text()
    named = {code: int(status) for code, status in re.findall(r"^\| `(\w+)` \| (\d{3}) \|", text, re.MULTILINE)}
    known = {kind.code: kind.status for kind in RelayProblem.__subclasses__()}
    others = {
        LoginFailed: 400,
        ClientSuspended: 403,
        PersonSuspended: 403,
        KeycloakUnavailable: 503,
        StateUnavailable: 503,
    }
    assert named == known | {kind.code: status for kind, status in others.items()}
