"""A room at a host name, with a certificate that was given: what a company's own name and certificate come to."""

from __future__ import annotations

import base64
import hashlib
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from playwright.sync_api import expect

from stack.testing import INFRASTRUCTURE, running
from tests.room.chromium_table import choose_password
from tests.room.conftest import ServedRoom
from tests.stack.test_room import certificate
from tests.support.browser import PATIENCE, arrivals, chromium, started

NAME = "workshop.local"


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """A certificate for the name, and its key."""
    return certificate(tmp_path_factory.mktemp("given") / "certificate", NAME)


@pytest.fixture(scope="module")
def named(given: tuple[str, str]) -> Iterator[ServedRoom]:
    """As much of a room as signing in takes."""
    words = ("--room", NAME, "--room-certificate", given[0], "--room-key", given[1])
    with running(room=words, only=(*INFRASTRUCTURE, "init", "app", "front")) as stack:
        yield ServedRoom(stack)


def test_the_given_certificate_is_served_for_the_name_and_no_page_hands_out_another(
    named: ServedRoom, given: tuple[str, str]
) -> None:
    port = named.stack.ports["room"]
    assert named.origin == f"https://{NAME}:{port}"
    with (
        socket.create_connection(("127.0.0.1", port), timeout=10) as plain,
        ssl.create_default_context(cafile=given[0]).wrap_socket(plain, server_hostname=NAME) as connection,
    ):
        served = connection.getpeercert(binary_form=True)
    assert served == ssl.PEM_cert_to_DER_cert(Path(given[0]).read_text())
    with socket.socket() as page:
        assert page.connect_ex(("127.0.0.1", named.stack.ports["room-page"])) != 0
    assert f"with the certificate  {given[0]}" in named.command("status")


def test_a_browser_that_resolves_the_name_signs_in_and_stays_at_it(named: ServedRoom, given: tuple[str, str]) -> None:
    """Chromium takes this one key, and no other that it cannot check."""
    if chromium() is None:
        pytest.skip("needs Chromium: install Debian's `chromium`")
    flags = (f"--host-resolver-rules=MAP {NAME} 127.0.0.1", f"--ignore-certificate-errors-spki-list={pin(given[0])}")
    with started(*flags) as browser, arrivals(browser, named.origin) as arrive:
        me = arrive()
        opened: set[str] = set()
        me.page.on("request", lambda request: opened.add(httpx2.URL(request.url).host or NAME))
        me.page.goto(f"{named.origin}/auth/login?next=/workshop")
        choose_password(me, "charlie", named.password("charlie"))
        expect(me.page.get_by_role("group", name="Signed in as charlie").first).to_be_visible(timeout=PATIENCE)
        assert me.page.url == f"{named.origin}/workshop"
        assert opened == {NAME}
        me.sign_out()
        assert me.page.url.startswith(named.origin)


def pin(file: str) -> str:
    """The key of a certificate as Chromium names it: the SHA-256 of its SubjectPublicKeyInfo, in Base64."""
    key = x509.load_pem_x509_certificate(Path(file).read_bytes()).public_key()
    spki = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(spki).digest()).decode()
