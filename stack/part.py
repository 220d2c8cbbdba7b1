"""What the supervisor asks of every part, and what a part may know."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from stack import secret_store
from stack.layout import Layout
from stack.processes import Launch

Say = Callable[[str], None]
"""Tells the person what is being done or waited for, in a few words."""


@dataclass(frozen=True)
class RoomAddress:
    """The address that a room's browsers open, and the files (PEM) of a certificate that was given for it."""

    address: str
    certificate: str = ""
    key: str = ""


@dataclass(frozen=True)
class Instance:
    """One running demo: its directories, the port of each name, and the users file it is provisioned from."""

    layout: Layout
    ports: Mapping[str, int]
    users_file: Path
    room: RoomAddress | None = None
    """Set where the demo serves a room."""

    @property
    def origin(self) -> str:
        """Scheme, host and port of everything that a room's browsers open; empty without a room."""
        return f"https://{self.room.address}:{self.ports['room']}" if self.room else ""

    def secrets(self) -> dict[str, str]:
        """The instance's secrets as they are now (Vault's initial token appears once Vault is initialised)."""
        return secret_store.load(self.layout)

    def fill(self, template: str) -> str:
        """A template such as ``{port[keycloak]}``, ``{secret[APP_CLIENT_SECRET]}`` or ``{data}/x``, filled in.

        Raises KeyError when it names a port or secret that does not exist.
        """
        return template.format(
            port=self.ports,
            secret=self.secrets(),
            users_file=self.users_file,
            data=self.layout.data,
            logs=self.layout.logs,
        )


class StackPart(Protocol):
    """One service as the supervisor runs it."""

    def prepare(self, say: Say) -> None:
        """Make what the process needs before it starts; blocking, safe to repeat. Raises Problem."""

    def launch(self) -> Launch:
        """How to start it now."""

    def ready(self) -> bool:
        """True once it answers its health check; asked again and again, never raises for "not yet"."""
