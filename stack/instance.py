"""Puts an instance together: its ports, and the service list made into entries for the supervisor."""

from __future__ import annotations

import os
from collections.abc import Container, Iterable, Mapping
from pathlib import Path

from common.ports import BLOCKED_BY_BROWSERS
from fastmcp_vault.errors import InputError
from stack import programs
from stack.keycloak import KeycloakPart, tables
from stack.layout import ROOT, Layout
from stack.part import Instance, RoomAddress, StackPart
from stack.ports import HIGHEST, LOWEST, nearest_offset
from stack.postgres import Postgres
from stack.prometheus import PrometheusPart
from stack.python_service import PythonService
from stack.runner import RunnerEntry
from stack.service import Service
from stack.services import FRONT, INFRASTRUCTURE, PORTS, SERVICES, USUAL
from stack.vault import VaultPart
from stack.zipkin import ZipkinPart

USERS_FILE = ROOT / "init" / "users.yaml"


def ports_at(offset: int) -> dict[str, int]:
    """Every port moved by ``offset``.

    Raises InputError when one would leave the range of ports, or be one that browsers refuse to open.
    """
    moved = {name: port + offset for name, port in PORTS.items()}
    if min(moved.values()) < LOWEST or max(moved.values()) > HIGHEST:
        raise InputError(
            f"With --port-offset {offset} a port would be {min(moved.values())} or {max(moved.values())}.",
            fix=f"Ports go from {LOWEST} to {HIGHEST}: choose an offset from {LOWEST - min(PORTS.values())} "
            f"to {HIGHEST - max(PORTS.values())}.",
        )
    blocked = [f"{title_of(name)} on port {port}" for name, port in moved.items() if port in BLOCKED_BY_BROWSERS]
    if blocked:
        raise InputError(
            f"--port-offset {offset} would put {' and '.join(blocked)}, which browsers refuse to open.",
            fix=f"The nearest offset that works is {nearest_offset(PORTS.values(), offset)}: "
            f"--port-offset {nearest_offset(PORTS.values(), offset)}.",
        )
    return moved


def title(service: Service) -> str:
    """What people call a service: Vault with the product that it is."""
    return programs.vault_title() if service.program == "openbao" else service.title


def title_of(port: str) -> str:
    """The service that listens on this port, as people read it, with the port's own name where it has several."""
    service = next(service for service in SERVICES if port in (*service.ports, service.metrics))
    if port == service.metrics:
        return f"{title(service)} (metrics)"
    return title(service) if len(service.ports) == 1 else f"{title(service)} ({port})"


def make(
    layout: Layout, ports: Mapping[str, int], users_file: Path | None = None, room: RoomAddress | None = None
) -> Instance:
    """An instance on these ports; its users file is ``USERS_FILE`` of the environment, or the project's own."""
    chosen = users_file or Path(os.environ.get("USERS_FILE") or USERS_FILE)
    return Instance(layout, dict(ports), chosen.resolve(), room)


def entries(instance: Instance, only: Iterable[str] | None = None) -> list[RunnerEntry]:
    """The usual services, or those named, as the supervisor runs them. Raises InputError for an unknown name."""
    names = [service.name for service in SERVICES]
    chosen = USUAL if only is None else tuple(only)
    unknown = [name for name in chosen if name not in names]
    if unknown:
        raise InputError(f"There is no service {', '.join(unknown)}.", fix=f"Services: {', '.join(names)}.")
    return [_entry(instance, service) for service in SERVICES if service.name in chosen]


def require_startable(instance: Instance, only: Iterable[str] | None) -> None:
    """Raise InputError when one of ``only`` could never become ready: it lacks a server, or its provisioning.

    Raises as ``programs.vault`` and ``programs.prometheus`` when there is no program for them.
    """
    chosen = set(USUAL if only is None else only)
    if "openbao" in chosen:
        programs.vault()
    if "prometheus" in chosen:
        programs.prometheus()
    for service in SERVICES:
        if service.name not in chosen:
            continue
        missing = [name for name in service.uses if name in INFRASTRUCTURE and name not in chosen]
        provisions = service.module and not service.one_shot and "keycloak" in service.uses
        if provisions and "init" not in chosen and not provisioned(instance.layout).exists():
            missing.append("init")
        if service.name == FRONT and instance.room is None:
            raise InputError("The front needs the address of a room.", fix="Start it so: ./demo up --room ADDRESS.")
        if missing:
            raise InputError(
                f"{title(service)} needs {', '.join(missing)}, which --only leaves out.",
                fix=f"Start them too: --only {','.join(s.name for s in SERVICES if s.name in {*chosen, *missing})}.",
            )


def provisioned(layout: Layout) -> Path:
    """A file that is there once provisioning has run to its end here."""
    return layout.data / "provisioned"


def ports_of(instance: Instance, only: Iterable[str] | None = None) -> dict[str, int]:
    """The ports that these services will listen on."""
    return {
        port: instance.ports[port]
        for service in SERVICES
        if service.name in (USUAL if only is None else only)
        for port in service.ports
    }


def modules(only: Container[str] | None = None) -> list[str]:
    """The Python modules that these services are started as, each once."""
    names = USUAL if only is None else only
    return list(dict.fromkeys(s.module[0] for s in SERVICES if s.module and s.name in names))


def _entry(instance: Instance, service: Service) -> RunnerEntry:
    return RunnerEntry(
        name=service.name,
        title=title(service),
        part=_part(instance, service),
        uses=service.uses,
        waits=service.waits,
        one_shot=service.one_shot,
        when_done=provisioned(instance.layout).touch if service.name == "init" else None,
    )


def _part(instance: Instance, service: Service) -> StackPart:
    match service.program:
        case "postgres":
            return Postgres(instance, tables=tables(instance.layout))
        case "openbao":
            return VaultPart(instance)
        case "keycloak":
            return KeycloakPart(instance)
        case "prometheus":
            return PrometheusPart(instance)
        case "zipkin":
            return ZipkinPart(instance)
        case None:
            return PythonService(instance, service)
