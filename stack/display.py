"""What the person sees: progress while things start, the addresses when they run, a sentence when they do not."""

from __future__ import annotations

import sys
import time
from typing import TextIO

from fastmcp_vault.errors import Problem
from fastmcp_vault.printable import printable, show
from stack import room
from stack.part import Instance
from stack.secret_store import FIXED
from stack.services import SERVICES
from stack.status import UP, StackStatus

_CLEAR_LINE = "\r\x1b[2K"


class ProgressDisplay:
    """One line that says what is awaited and for how long; on anything but a terminal, a line per change."""

    def __init__(self, out: TextIO = sys.stderr) -> None:
        self._out = out
        self._live = out.isatty()
        self._began = time.monotonic()
        self._told: dict[str, tuple[str, str, int]] = {}
        self._last = ""

    def show(self, status: StackStatus) -> None:
        """Bring the display up to date with ``status``; cheap, to be called often."""
        elapsed = time.monotonic() - self._began
        for service in status.services:
            now = (service.phase, service.detail, service.restarts)
            if self._told.get(service.name, ("waiting", "", 0))[:2] == now[:2]:
                continue
            self._told[service.name] = now
            if service.phase in ("ready", "done", "unhealthy", "restarting", "failed") or (
                not self._live and service.phase == "preparing" and service.detail
            ):
                detail = f": {service.detail}" if service.detail else ""
                self._line(f"{elapsed:6.1f} s  {service.title}: {service.phase}{detail}")
                for line in service.last_lines if service.phase == "restarting" else []:
                    self._line(f"            {line}")
        if self._live:
            self._rewrite(f"{elapsed:6.1f} s  {_awaited(status)}")

    def step(self, text: str) -> None:
        """What is being done now, outside a supervisor's status."""
        elapsed = f"{time.monotonic() - self._began:6.1f} s  {text}"
        if self._live:
            self._rewrite(elapsed)
        else:
            self._line(elapsed)

    def clear(self) -> None:
        """Take the live line away."""
        self._rewrite("")

    def _line(self, text: str) -> None:
        self.clear()
        show(text, file=self._out)

    def _rewrite(self, text: str) -> None:
        if self._live and text != self._last:
            self._out.write(f"{_CLEAR_LINE}{printable(text[:120])}")
            self._out.flush()
            self._last = text


def _awaited(status: StackStatus) -> str:
    waiting = [
        f"{service.title} ({service.detail or service.phase})"
        for service in status.services
        if service.phase not in UP and service.phase != "waiting"
    ]
    return f"waiting for {', '.join(waiting)}" if waiting else ""


def addresses(instance: Instance, now: StackStatus) -> list[str]:
    """Where everything is, by the names of ``now``, and who may sign in, line by line."""
    titles = {service.name: service.title for service in now.services}
    shown = [
        (titles.get(service.name, service.title), instance.fill(service.opens))
        for service in SERVICES
        if service.opens and (not service.optional or service.name in titles)
    ]
    width = max(len(title) for title, _ in shown)
    lines = [f"  {title:<{width}}  {address}" for title, address in reversed(shown)]
    if instance.room:
        return [*room.lines(instance), "", *room.sign_in(instance), "", "  On this machine alone:", *lines]
    lines += [
        "",
        f"  Sign in to the app as {_people(instance)}.",
        *_administrators(instance),
    ]
    return lines


def _administrators(instance: Instance) -> list[str]:
    """The published logins; generated ones are not for a terminal."""
    known = instance.secrets()
    if any(known[name] != published for name, published in FIXED.items()):
        return ["  The administrators' logins were generated for a room: `./demo env init` shows them."]
    return [
        f"  Keycloak's administrator: {FIXED['KEYCLOAK_ADMIN']} / {FIXED['KEYCLOAK_ADMIN_PASSWORD']}."
        f"  Vault's root token: {FIXED['VAULT_ROOT_TOKEN_ID']}."
    ]


def _people(instance: Instance) -> str:
    import yaml  # noqa: PLC0415 - only for this line

    from common.users_file import entries  # noqa: PLC0415 - as above

    try:
        users = entries(instance.users_file)
        people = [f"{user['username']} / {user['password']}" for user in users]
    except (OSError, yaml.YAMLError, KeyError, TypeError):
        return f"one of the users in {instance.users_file}"
    shown = ", ".join(people[:3])
    return f"{shown} …" if len(people) > 3 else shown


def verdict(status: StackStatus) -> str:
    """The stack in one sentence: ready, or which services are not."""
    waiting = [service.title for service in status.services if service.phase not in UP]
    if status.phase == "degraded":
        return f"The demo runs, but not all of it works now: {', '.join(waiting)}."
    return f"The demo is {status.phase}."


def table(status: StackStatus) -> list[str]:
    """The services, one line each with the last lines of those that died, for ``status``."""
    width = max(len(service.title) for service in status.services)
    now = time.time()
    lines = []
    for service in status.services:
        again = f", restarted {service.restarts}×" if service.restarts else ""
        detail = f" ({service.detail})" if service.detail else ""
        lines.append(f"  {service.title:<{width}}  {service.phase} for {now - service.since:.0f} s{again}{detail}")
        lines += [f"      {line}" for line in service.last_lines[-3:]]
    return lines


def sentence(problem: Problem) -> list[str]:
    """A problem as the person reads it: what happened, then the way out, and the log lines that belong to it."""
    return [f"demo: {problem.what}", *(f"      {line}" for line in problem.fix.split("\n") if line)]
