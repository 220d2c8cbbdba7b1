"""`./demo up --room`: which addresses it takes, which secrets it refuses, and what the services are told instead."""

from __future__ import annotations

import re
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from common.published import is_published
from fastmcp_vault.errors import InputError
from stack import commands, display, instance, room, secret_store
from stack.__main__ import parser
from stack.keycloak import KeycloakPart
from stack.layout import Layout
from stack.part import RoomAddress
from stack.python_service import environment
from stack.services import PORTS, SERVICES, service
from stack.status import StackStatus

ORIGIN = "https://workshop.local:4443"
STATUS = StackStatus("ready", 1, 0.0, 0.0, dict(PORTS))


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "state", tmp_path / "runtime")


@pytest.mark.parametrize("address", ["workshop.local", "Workshop.Local.", "laptop", "192.168.1.5", "127.0.0.2"])
def test_an_address_that_browsers_can_open_is_taken(address: str) -> None:
    assert room.asked(address, "", "").address == address.lower().rstrip(".")


@pytest.mark.parametrize(
    "address",
    [
        "localhost",
        "a.localhost",
        "",
        "0.0.0.0",
        "224.0.0.1",
        "::1",
        "fd00::1",
        "a_b",
        "https://x",
        "x:443",
        "*.x",
        "1.2.3",
    ],
)
def test_any_other_is_refused_with_a_sentence(address: str) -> None:
    with pytest.raises(InputError):
        room.asked(address, "", "")


def test_a_given_certificate_fits_its_key_and_the_address(tmp_path: Path) -> None:
    files = {name: certificate(tmp_path / name, name) for name in ("workshop.local", "*.example.org")}
    plain, wild = files["workshop.local"], files["*.example.org"]
    assert room.asked("workshop.local", *plain) == RoomAddress("workshop.local", *plain)
    assert room.asked("table.example.org", *wild).certificate == wild[0]
    for address, given in (
        ("other.local", plain),
        ("example.org", wild),
        ("a.b.example.org", wild),
        ("workshop.local", (plain[0], wild[1])),
        ("workshop.local", (plain[0], "")),
        ("workshop.local", (str(tmp_path / "none.pem"), plain[1])),
    ):
        with pytest.raises(InputError):
            room.asked(address, *given)
    with pytest.raises(InputError, match="needs its address"):
        commands._room(parser().parse_args(["up", "--room-certificate", plain[0], "--room-key", plain[1]]))


def certificate(folder: Path, name: str) -> tuple[str, str]:
    """A certificate for a name, and its key, as files."""
    folder.mkdir()
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([])
    built = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.now(UTC))
        .not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(built.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return str(folder / "cert.pem"), str(folder / "key.pem")


def test_a_new_room_has_secrets_and_people_of_its_own(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("USERS_FILE", raising=False)
    users = room.prepare(layout, instance.USERS_FILE)
    known = secret_store.load(layout)
    assert [name for name, value in known.items() if is_published(value)] == ["KEYCLOAK_ADMIN"]
    assert stat.S_IMODE(users.stat().st_mode) == 0o600
    text = users.read_text()
    people = {entry["username"]: entry for entry in yaml.safe_load(text)["users"]}
    usual = {entry["username"]: entry for entry in yaml.safe_load(instance.USERS_FILE.read_text())["users"]}
    assert people.keys() == usual.keys()
    assert not [value for value in room._texts(list(people.values())) if is_published(value)]
    assert people["charlie"]["one_time"]
    assert not people["alice"].get("one_time"), "the exercises sign in as alice"
    for name, entry in people.items():
        assert entry.get("entitlements", {}).keys() == usual[name].get("entitlements", {}).keys()
        assert entry["email"] == usual[name]["email"]
    shown = display.addresses(instance.make(layout, PORTS, users, RoomAddress("workshop.local")), STATUS)
    told = "\n".join(shown)
    assert f"charlie / {people['charlie']['password']}: good once" in told
    assert f"The room opens  {ORIGIN}" in told
    assert all(shortcut in told for shortcut in room.SHORTCUTS)
    assert not any(entry["password"] in told for name, entry in people.items() if name != "charlie")
    assert not any(known[name] in told for name in ("KEYCLOAK_ADMIN_PASSWORD", "VAULT_ROOT_TOKEN_ID"))
    assert room.prepare(layout, instance.USERS_FILE).read_text() == text, "a second start changes nothing"
    assert secret_store.load(layout) == known


def test_what_everybody_can_read_is_refused(layout: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = Layout(tmp_path / "begun", tmp_path / "runtime")
    begun.make()
    secret_store.load(begun)
    (begun.data / "postgres").mkdir()
    monkeypatch.delenv("USERS_FILE", raising=False)
    with pytest.raises(InputError, match=r"KEYCLOAK_ADMIN_PASSWORD, VAULT_ROOT_TOKEN_ID"):
        room.prepare(begun, instance.USERS_FILE)
    mine = tmp_path / "mine.yaml"
    mine.write_text("users: [{username: ann, password: alice123}]")
    monkeypatch.setenv("USERS_FILE", str(mine))
    with pytest.raises(InputError, match="passwords or tokens"):
        room.prepare(layout, mine)
    mine.write_text("users: [{username: ann, password: something else}]")
    assert room.prepare(layout, mine) == mine


def test_every_public_address_is_the_room_s_and_every_other_stays_on_loopback(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("JIRA_URL", "JIRA_OAUTH_URL", "GITHUB_OAUTH_URL"):
        monkeypatch.delenv(name, raising=False)
    layout.make()
    served = instance.make(layout, PORTS, None, RoomAddress("workshop.local"))
    alone = instance.make(layout, PORTS)
    differ: dict[str, set[str]] = {}
    secret_store.keep(layout, VAULT_TOKEN="t")
    for entry in SERVICES:
        if entry.module:
            before, after = environment(alone, entry), environment(served, entry)
            for name, value in after.items():
                if value != before.get(name):
                    differ.setdefault(name, set()).add(value)
    assert differ.pop("APP_ALLOWED_HOSTS") == {"localhost"}
    assert differ.pop("ALLOWED_HOSTS") == differ.pop("ROOM_ADDRESS") == {"workshop.local"}
    assert differ.pop("ROOM_BIND") == {"0.0.0.0"}
    files = {name: differ.pop(name) for name in ("ROOM_TLS_DIR", "ROOM_CERTIFICATE", "ROOM_AUTHORITY")}
    assert all(value.startswith(str(layout.data)) for values in files.values() for value in values)
    inside = {name: differ.pop(name) for name in list(differ) if name.endswith("_INSIDE_URL")}
    assert inside == {
        "JIRA_OAUTH_INSIDE_URL": {"http://localhost:8001"},
        "GITHUB_OAUTH_INSIDE_URL": {"http://localhost:8002"},
    }
    assert differ.pop("APP_BACKCHANNEL_URL") == {"http://localhost:8501"}
    assert {value.removeprefix(ORIGIN).split("/")[0] for values in differ.values() for value in values} == {""}
    assert {"KEYCLOAK_PUBLIC_URL", "APP_PUBLIC_URL", "BASE_URL", "MOCK_APP_URL", "JIRA_SITE_URL"} < differ.keys()
    left = {
        f"{entry.name} {name}={value}"
        for entry in SERVICES
        if entry.module
        for name, value in environment(served, entry).items()
        if re.search(r"(PUBLIC_URL|^BASE_URL|_OAUTH_URL)$", name) and not value.startswith(ORIGIN)
    }
    # MCP clients and agents are programs of this machine's.
    assert {one.split("=")[0].split(" ")[1] for one in left} == {"MCP_PUBLIC_URL", "AGENT_AUTH_PUBLIC_URL"}
    named = KeycloakPart(served).environment()
    assert named["KC_HOSTNAME"] == ORIGIN
    assert named["KC_HOSTNAME_ADMIN"] == "http://localhost:8080"


def test_accounts_at_a_real_provider_stay_there(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    layout.make()
    monkeypatch.setenv("JIRA_OAUTH_URL", "https://auth.example.com")
    given = environment(instance.make(layout, PORTS, None, RoomAddress("workshop.local")), service("app"))
    assert given["JIRA_OAUTH_URL"] == "https://auth.example.com"
    assert "JIRA_OAUTH_INSIDE_URL" not in given
    assert given["GITHUB_OAUTH_URL"] == f"{ORIGIN}/mock/github"
