"""A room: one HTTPS origin for people's browsers, the settings that differ for it, and the secrets that it refuses."""

from __future__ import annotations

import hashlib
import ipaddress
import os
import re
import ssl
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from common.passwords import readable
from common.published import is_published
from fastmcp_vault.errors import InputError
from fastmcp_vault.files import write_private
from stack import secret_store
from stack.layout import Layout
from stack.part import Instance, RoomAddress
from stack.service import Service
from stack.services import FRONT

_NAME = re.compile(r"(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z]([a-z0-9-]{0,61}[a-z0-9])?")
_EVERYWHERE = "0.0.0.0"
"""Where the front listens for a host name: which of this machine's addresses it is is not known here."""


SHORTCUTS = (
    "Exercises and attacks sign people in by password (clients `lab-*`); their passwords lie in files on this machine.",
    "Jira, GitHub and the chatbot are mocks, with passwords of their own that stay good.",
    "Behind the front everything speaks plain HTTP, on loopback: whoever has an account on this machine can listen.",
    "Vault opens itself with a key that lies beside its data; all secrets of the room are in one file of this account.",
    "Whoever administers this machine can make certificates for the address: have people remove the authority again.",
)
"""What would not be so in production; said at each start."""


def asked(address: str, certificate: str, key: str) -> RoomAddress:
    """The room of `up --room`. Raises InputError for an address that browsers, or this machine, could not use."""
    name = address.strip().lower().rstrip(".")
    ip = _ip(name)
    if ip is None and (not _NAME.fullmatch(name) or name == "localhost" or name.endswith(".localhost")):
        raise InputError(
            f"{address!r} is no address for a room.",
            fix="Give the host name or the IPv4 address under which other devices reach this machine.",
        )
    if ip is not None and (ip.version != 4 or ip.is_unspecified or ip.is_multicast):
        raise InputError(f"{address} is no IPv4 address of a machine.", fix="`./demo doctor` lists this machine's own.")
    if bool(certificate) != bool(key):
        raise InputError("A certificate needs its key.", fix="Give both: --room-certificate FILE --room-key FILE.")
    here = os.environ.get("DEMO_CALLED_FROM", "")
    files = [str(Path(here, file).resolve()) if file else "" for file in (certificate, key)]
    made = RoomAddress(name, *files)
    if certificate:
        _check_given(made)
    return made


def _check_given(room: RoomAddress) -> None:
    """Raises InputError for a certificate that does not fit its key, or names another address."""
    from cryptography import x509  # noqa: PLC0415 - only here

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(room.certificate, room.key, password="")
        found = x509.load_pem_x509_certificates(Path(room.certificate).read_bytes())[0]
        names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (OSError, ValueError, x509.ExtensionNotFound) as error:
        raise InputError(
            f"The room's certificate cannot be used with that key: {type(error).__name__}.",
            fix="Give the certificate with its chain, and the key without a password, both as PEM.",
        ) from error
    said = {*names.get_values_for_type(x509.DNSName), *map(str, names.get_values_for_type(x509.IPAddress))}
    if not {room.address, f"*.{room.address.partition('.')[2]}"} & said:
        raise InputError(
            f"The room's certificate is for {', '.join(sorted(said)) or 'no address'}, not for {room.address}.",
            fix="Give a certificate for the room's address, or --room with the certificate's.",
        )


def prepare(layout: Layout, source: Path) -> Path:
    """Generate what is published otherwise; the users file of this room. Raises InputError where it is too late.

    ``USERS_FILE`` of the environment is taken as it is, and must hold nothing published; otherwise the people of
    ``source`` get passwords and tokens of their own, in a file that stays.
    """
    layout.make()
    if not (layout.data / "postgres").exists():
        secret_store.harden(layout)
    known = [name for name, value in secret_store.load(layout).items() if is_published(value)]
    if published := [name for name in known if name != "KEYCLOAK_ADMIN"]:
        raise InputError(
            f"This demo's data were made with logins that everybody can read here ({', '.join(published)}).",
            fix="`./demo reset --yes` starts over; with DEMO_STATE_DIR=FOLDER the room has a folder of its own.",
        )
    if os.environ.get("USERS_FILE"):
        if any(is_published(value) for value in _texts(_people(source))):
            raise InputError(
                f"{source} holds passwords or tokens that everybody can read in this repository.",
                fix="Choose others, or leave USERS_FILE out: the room then makes its own.",
            )
        return source
    own = layout.data / "people.yaml"
    if not own.exists():
        import yaml  # noqa: PLC0415 - only here

        people = [_with_own(entry) for entry in _people(source)]
        write_private(own, yaml.safe_dump({"users": people}, sort_keys=False, allow_unicode=True))
    return own


def _people(file: Path) -> tuple[dict[str, Any], ...]:
    from common.users_file import entries  # noqa: PLC0415 - needs YAML

    try:
        return entries(file)
    except Exception as error:
        raise InputError(f"{file} is no users file.", fix="`init/users.yaml` shows what one looks like.") from error


def _texts(found: Any) -> Iterator[str]:
    if isinstance(found, Mapping):
        found = list(found.values())
    if isinstance(found, (list, tuple)):
        for one in found:
            yield from _texts(one)
    elif isinstance(found, str):
        yield found


def _with_own(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Somebody with a password and tokens of their own; a facilitator's password is good once."""
    once = {"one_time": True} if "facilitator" in (entry.get("realm_roles") or ()) else {}
    return {**_replaced(entry), "password": readable(), **once}


def _replaced(found: Any) -> Any:
    if isinstance(found, Mapping):
        return {key: _replaced(value) for key, value in found.items()}
    if isinstance(found, list):
        return [_replaced(value) for value in found]
    return f"room-{readable()}-{readable()}" if isinstance(found, str) and is_published(found) else found


def bind(room: RoomAddress) -> str:
    """Where the front listens: at the address itself, or for a host name on every address of this machine."""
    return room.address if _ip(room.address) else _EVERYWHERE


def settings(instance: Instance, service: Service) -> dict[str, str]:
    """What differs in this service's environment because browsers come by the front; nothing without a room."""
    if instance.room is None:
        return {}
    origin, port = instance.origin, instance.ports
    public = {
        "KEYCLOAK_PUBLIC_URL": origin,
        "APP_PUBLIC_URL": origin,
        "MOCK_APP_URL": origin,
        "BASE_URL": f"{origin}/relay",
        "RELAY_PUBLIC_URL": f"{origin}/relay",
        "CHATBOT_PUBLIC_URL": f"{origin}/chatbot",
        **({} if "JIRA_URL" in os.environ else {"JIRA_SITE_URL": f"{origin}/mock/jira"}),
    }
    for provider in ("JIRA", "GITHUB"):
        if f"{provider}_OAUTH_URL" in service.env and f"{provider}_OAUTH_URL" not in os.environ:
            mock = f"mock-{provider.lower()}"
            public[f"{provider}_OAUTH_URL"] = f"{origin}/{mock.replace('-', '/')}"
            public[f"{provider}_OAUTH_INSIDE_URL"] = f"http://localhost:{port[mock]}"
    names = {*service.env, *(f"{provider}_OAUTH_INSIDE_URL" for provider in ("JIRA", "GITHUB"))}
    return {name: value for name, value in public.items() if name in names} | _of(instance, instance.room, service.name)


def _of(instance: Instance, room: RoomAddress, service: str) -> dict[str, str]:
    """What one service is told besides."""
    folder = _folder(instance)
    match service:
        case "init":
            own = {"ROOM_ADDRESS": room.address, "ROOM_TLS_DIR": str(folder)}
            back = {"APP_BACKCHANNEL_URL": f"http://localhost:{instance.ports['app']}"}
            return back | ({} if room.certificate else own)
        case "app":
            return {"APP_ALLOWED_HOSTS": "localhost"}
        case "mock":
            return {"ALLOWED_HOSTS": room.address}
        case name if name == FRONT:
            where = {"ROOM_ADDRESS": room.address, "ROOM_BIND": bind(room)}
            if room.certificate:
                return where | {"ROOM_CERTIFICATE": room.certificate, "ROOM_KEY": room.key}
            return where | {"ROOM_CERTIFICATE": f"{folder}/front.pem", "ROOM_AUTHORITY": f"{folder}/authority.pem"}
    return {}


def _folder(instance: Instance) -> Path:
    return instance.layout.data / "room"


def lines(instance: Instance) -> list[str]:
    """Where people go, whom they trust, and how the facilitator signs in, for the terminal; nothing without a room."""
    room = instance.room
    if room is None:
        return []
    told = [f"  The room opens  {instance.origin}"]
    authority = _folder(instance) / "authority.pem"
    if room.certificate:
        told.append(f"  with the certificate  {room.certificate}")
    elif authority.exists():
        shown = hashlib.sha256(ssl.PEM_cert_to_DER_cert(authority.read_text())).digest().hex(":").upper()
        told += [
            f"  after trusting  http://{room.address}:{instance.ports['room-page']}/  (plain HTTP, with a QR code)",
            f"  whose SHA-256   {shown}",
            "                  Show it in front of the room: people compare it before they trust that page.",
        ]
    return told


def sign_in(instance: Instance) -> list[str]:
    """How the facilitator signs in for the first time, and what of the demo is no example for production."""
    leaders = [one for one in _people(instance.users_file) if "facilitator" in (one.get("realm_roles") or ())]
    shown = [f"  The facilitator signs in as {one['username']} / {one['password']}" for one in leaders[:1]]
    if leaders[:1] and leaders[0].get("one_time"):
        shown[0] += ": good once, Keycloak then asks for another."
        shown.append(
            f"  Forgotten later? `./demo people password {leaders[0]['username']}` makes another one-time one."
        )
    return [
        *shown,
        "  Everybody else: `./demo people add --count 30`.",
        "",
        "  SHORTCUTS OF A DEMO, for a workshop and nothing else:",
        *(f"  - {shortcut}" for shortcut in SHORTCUTS),
    ]


def _ip(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(address.strip("[]"))
    except ValueError:
        return None
