"""A room that is served: one HTTPS origin in a real browser, a certificate for it alone, nothing published."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import re
import socket
import ssl
from collections.abc import Callable

import httpx2
import psutil
import pytest
from cryptography import x509

from stack import control
from tests.browser.test_workshop import check, exercise
from tests.room.chromium_table import chats, choose_password, connects
from tests.room.conftest import ADDRESS, ServedRoom
from tests.room.crowd import workshop
from tests.support.browser import Visitor


def trusting(served: ServedRoom) -> ssl.SSLContext:
    """A client that trusts the room's authority and no other."""
    return ssl.create_default_context(cafile=str(served.stack.layout.data / "room" / "authority.pem"))


def test_the_certificate_vouches_for_the_address_and_its_page_hands_out_the_authority(served: ServedRoom) -> None:
    ports, context = served.stack.ports, trusting(served)
    with (
        socket.create_connection((ADDRESS, ports["room"]), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname=ADDRESS) as connection,
    ):
        assert connection.version() == "TLSv1.3"
    for name, trust in (("localhost", context), (ADDRESS, ssl.create_default_context())):
        with (
            socket.create_connection((ADDRESS, ports["room"]), timeout=10) as plain,
            pytest.raises(ssl.SSLCertVerificationError),
            trust.wrap_socket(plain, server_hostname=name),
        ):
            pass
    base = f"http://{ADDRESS}:{ports['room-page']}"
    der = httpx2.get(f"{base}/room-ca.crt", trust_env=False)
    assert der.headers["content-type"] == "application/x-x509-ca-cert"
    authority = x509.load_der_x509_certificate(der.content)
    named = authority.extensions.get_extension_for_class(x509.NameConstraints)
    assert named.critical
    assert next(str(one.value) for one in named.value.permitted_subtrees or []) == "room.invalid"
    assert authority.extensions.get_extension_for_class(x509.BasicConstraints).value.path_length == 0
    shown = hashlib.sha256(der.content).digest().hex(":").upper()
    pages = {
        language: httpx2.get(base, headers={"Accept-Language": language}, trust_env=False) for language in ("en", "ko")
    }
    for page in pages.values():
        assert shown in page.text
        assert "<svg" in page.text
        assert f'href="{served.origin}/"' in page.text
    assert "지문" in pages["ko"].text
    assert httpx2.get(base, headers={"Host": "evil.example"}, trust_env=False).status_code == 421
    front = served.stack.layout.data / "room" / "front.pem"
    before = front.read_bytes()
    served.command("init")
    assert front.read_bytes() == before, "a certificate that is good for days is kept"
    status = served.command("status")
    assert shown in status
    assert served.origin in status


def test_nothing_but_the_front_listens_where_others_reach_it(served: ServedRoom) -> None:
    front = {served.stack.ports["room"], served.stack.ports["room-page"]}
    found: set[tuple[str, int]] = set()
    for process in control.processes_of(served.stack.layout):
        with contextlib.suppress(psutil.Error):
            found |= {c.laddr[:2] for c in process.net_connections("tcp") if c.status == psutil.CONN_LISTEN}
    assert {port for address, port in found if address == ADDRESS} == front
    assert {address.removeprefix("::ffff:") for address, port in found if port not in front} == {"127.0.0.1"}


def test_what_is_published_opens_nothing(served: ServedRoom) -> None:
    stack = served.stack
    with httpx2.Client(trust_env=False, timeout=30) as client:
        realm = f"{stack.url('keycloak')}/realms/"
        form = {"grant_type": "password", "client_id": "admin-cli", "username": "admin", "password": "admin"}
        refused = client.post(f"{realm}master/protocol/openid-connect/token", data=form)
        assert refused.json()["error"] == "invalid_grant"
        lab = {"client_id": "lab-app", "client_secret": stack.secrets["LAB_CLIENT_SECRET"]}
        alice = {"grant_type": "password", "username": "alice", "password": "alice123"}
        token = f"{realm}mcp-demo/protocol/openid-connect/token"
        assert client.post(token, data=lab | alice).json()["error"] == "invalid_grant"
        own = alice | {"password": served.password("alice")}
        issued = client.post(token, data=lab | own | {"scope": "openid"})
        assert issued.status_code == 200
        vault = client.get(f"{stack.url('openbao')}/v1/sys/mounts", headers={"X-Vault-Token": "root-token"})
        assert vault.status_code == 403
        jira = client.get(
            f"{stack.url('mock-jira')}/rest/api/3/myself", auth=("alice@example.com", "demo-jira-token-alice")
        )
        assert jira.status_code == 401


def test_what_is_no_browser_s_is_closed_at_the_front(served: ServedRoom) -> None:
    with httpx2.Client(trust_env=False, verify=trusting(served), base_url=served.origin, timeout=30) as client:
        for path in ("/realms/master/", "/realms/mcp-demo/protocol/openid-connect/token", "/relay/health"):
            assert client.get(path).status_code == 404, path
        assert client.get("/", headers={"Host": "localhost"}).status_code == 421
        home = client.get("/")
        assert home.status_code == 200
        assert "strict-transport-security" not in home.headers
        login = client.get("/auth/login")
        assert login.headers["location"].startswith(f"{served.origin}/realms/mcp-demo/protocol/openid-connect/auth?")
        page = client.get(login.headers["location"])
        assert page.status_code == 200
        linked = re.findall(r"(?:src|href|action)=\"(https?://[^/\"]+)", page.text)
        assert set(linked) <= {served.origin}


def test_everybody_finishes_the_workshop_and_the_reset_leaves_nothing(
    served: ServedRoom, record_property: Callable[[str, object], None]
) -> None:
    """The small version of `python -m tests.room`: two people at once, and a short cut of the network."""
    report = asyncio.run(workshop(served, 2, cut=3.0, pause=0.1, say=lambda _: None))
    for number, line in enumerate(report.lines()):
        record_property(f"measured_{number}", line)


def test_a_table_does_what_leads_to_other_pages_at_one_origin(
    visitor: Callable[[], Visitor], served: ServedRoom
) -> None:
    told = re.match(r"charlie / (\S{4}-\S{4}-\S{4})\n", served.command("people", "password", "charlie"))
    assert told, "the one that was printed at the start is used up"
    charlie = visitor()
    charlie.page.goto(f"{charlie.base}/auth/login?next=/workshop")
    choose_password(charlie, "charlie", told[1])
    charlie.sees("Start for everybody")

    said = served.command("people", "add", "--count", "1", "--prefix", "seat")
    assert "Added 1: seat-01." in said
    assert served.origin in (served.stack.layout.data / "room-cards.html").read_text()
    me, password = visitor(), served.password("seat-01")
    me.page.goto(f"{me.base}/auth/login?next=/workshop")
    choose_password(me, "seat-01", password)
    me.settled()
    cookies = me.context.cookies()
    assert [cookie.get("name") for cookie in cookies if not cookie.get("secure")] == []
    session = next(cookie for cookie in cookies if cookie.get("name") == "__Host-mcp_demo_session")
    assert (session.get("httpOnly"), session.get("path")) == (True, "/")
    exercise(me, "sign-in")
    check(me, "sign-in", "Keycloak knows your session")

    me.go("Use", "MCP tools")
    me.load("Jira")
    tool = me.tool("jira", "get_issue")
    tool.get_by_role("textbox", name="issue_key").fill("PROJ-1")
    me.press_for_trace(tool.get_by_role("button", name="Execute"))
    me.sees("get_issue ran at Jira as seat-01.")

    chats(me, "seat-01")
    connects(me, "seat-01", password)
    me.open("/workshop")
    exercise(me, "chat")
    check(me, "chat", "Done")
    me.sign_out()
    assert me.page.url.startswith(served.origin)
