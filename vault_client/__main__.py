"""``python -m vault_client``: an application that logs in by itself (AppRole) and keeps its secrets fresh.

It reads config.ini and the environment, shows what it holds and for how long, never a secret, and gives
everything back when it ends (Ctrl-C).
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.live import Live
from rich.table import Table

from common import logs
from common.command import run as run_command
from fastmcp_vault.backoff import Backoff
from fastmcp_vault.errors import ConfigError, Problem, VaultLoginRefused, VaultUnavailable
from fastmcp_vault.printable import show
from fastmcp_vault.vault import config, logins
from fastmcp_vault.vault.application import Application, SecretRow
from fastmcp_vault.vault.client import Vault
from fastmcp_vault.vault.config import ClientConfig
from fastmcp_vault.vault.session import Persistence, VaultSession
from vault_client import display

FRACTION = 4 / 5
LOOK_SECONDS = 10.0
"""How often it is asked whether the token still lives."""

PATIENCE_SECONDS = 30.0
"""How long a lost login is tried again while Vault does not answer."""


@dataclass(frozen=True, slots=True)
class Options:
    """What was asked for on the command line."""

    once: bool
    json: bool
    wait: float


async def run(settings: ClientConfig, path: Path | None, options: Options) -> int:
    """0 after ``--once`` with everything there, or after Ctrl-C; 1 otherwise. Raises Problem when it cannot log in."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    vault = settings.vault()
    try:
        login, expires = await _login(settings, vault, path, options.wait)
        session = VaultSession(
            vault,
            login,
            fraction=FRACTION,
            check_every=LOOK_SECONDS,
            persistence=Persistence(seconds=PATIENCE_SECONDS, through_refusals=False),
        )
        try:
            await session.__aenter__()
        except VaultLoginRefused as refused:
            raise _explained(refused, expires) from refused
        try:
            return await _look_after(settings, vault, session, options, stop)
        finally:
            await session.__aexit__()
    finally:
        await vault.close()


async def _login(settings: ClientConfig, vault: Vault, path: Path | None, wait: float) -> tuple[logins.Login, float]:
    """The login, once Vault answers, and when its secret id ends. Raises Problem."""
    if not settings.vault_role_id:
        raise ConfigError("There is no role id.", fix="Set `role_id` in [vault], or VAULT_ROLE_ID.")
    backoff, give_up_at = Backoff(first=0.5), time.monotonic() + wait
    while True:
        try:
            health = await vault.health()
            if health.get("sealed"):
                raise VaultUnavailable("Vault is sealed.", fix="Unseal it, then try again.")
            secret_id, expires = await config.secret_id(settings, vault, path)
            return logins.approle(settings.vault_role_id, secret_id), expires
        except VaultUnavailable as problem:
            pause = backoff.failed()
            if time.monotonic() + pause > give_up_at:
                raise VaultUnavailable(
                    problem.what, fix=f"Is {settings.vault_url} right? (`url` in [vault], VAULT_URL) {problem.fix}"
                ) from problem
            logging.getLogger(__name__).warning("%s Trying again.", problem.what)
            await asyncio.sleep(pause)


def _explained(refused: VaultLoginRefused, expires: float) -> Problem:
    """Vault says the same of a wrong role id and of an expired secret id; what the file knows tells them apart."""
    if not expires:
        return refused
    until = time.strftime("%Y-%m-%d %H:%M %Z", time.localtime(expires))
    if expires <= time.time():
        return VaultLoginRefused(f"The secret id expired at {until}.", fix="`./demo init` writes a new config.ini.")
    return VaultLoginRefused(
        f"Vault knows no application with this role id, or its secret id was withdrawn before its end ({until}).",
        fix="Check `role_id` in [vault] (VAULT_ROLE_ID) first; `./demo init` writes both anew.",
    )


async def _look_after(
    settings: ClientConfig, vault: Vault, session: VaultSession, options: Options, stop: asyncio.Event
) -> int:
    live = sys.stdout.isatty() and not options.json and not options.once
    told = None if live or options.once else _teller(settings, options)
    application = Application(settings, vault, session, changed=told or (lambda _row: None))
    await application.refresh()
    if options.once:
        return _once(settings, application, options)
    if told:
        told(application.rows()[0])
    work = [asyncio.create_task(application.run()), asyncio.create_task(session.over())]
    stopped = asyncio.create_task(stop.wait())
    try:
        if live:
            with Live(console=Console(), refresh_per_second=4, get_renderable=_picture(settings, application)):
                await asyncio.wait([*work, stopped], return_when=asyncio.FIRST_COMPLETED)
        else:
            await asyncio.wait([*work, stopped], return_when=asyncio.FIRST_COMPLETED)
        if work[1].done():
            problem = work[1].result()
            assert isinstance(problem, Problem)
            raise problem
        if work[0].done():
            work[0].result()
        return 0
    finally:
        for task in (*work, stopped):
            task.cancel()
        await asyncio.gather(*work, stopped, return_exceptions=True)


def _once(settings: ClientConfig, application: Application, options: Options) -> int:
    rows = application.rows()
    if options.json:
        show(display.as_json(display.document(settings.vault_entity, rows)))
    else:
        Console(width=None if sys.stdout.isatty() else 200).print(display.table(settings.vault_entity, rows))
    return 0 if all(row.problem is None for row in rows) else 1


def _teller(settings: ClientConfig, options: Options) -> Callable[[SecretRow], None]:
    def tell(row: SecretRow) -> None:
        if options.json:
            body = {"entity": settings.vault_entity, "at": time.time(), **display.as_dict(row)}
            show(display.as_json(body))
        else:
            show(display.line(row))

    return tell


def _picture(settings: ClientConfig, application: Application) -> Callable[[], Table]:
    return lambda: display.table(settings.vault_entity, application.rows())


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when all is well, 1 with a sentence when it cannot go on."""
    parser = argparse.ArgumentParser(prog="python -m vault_client", description=__doc__)
    parser.add_argument("--config", type=Path, help="the configuration (default: config.ini here, if there is one)")
    parser.add_argument("--once", action="store_true", help="fetch everything, show it, give it back")
    parser.add_argument("--json", action="store_true", help="JSON: one document with --once, else a line per change")
    parser.add_argument("--wait", type=float, default=5.0, help="seconds to wait for a Vault that does not answer")
    chosen = parser.parse_args(arguments)
    logs.set_up("vault-client", level="WARNING")
    path = chosen.config or (Path("config.ini") if Path("config.ini").exists() else None)
    try:
        settings = config.read(path)
        return asyncio.run(run(settings, path, Options(chosen.once, chosen.json, chosen.wait)))
    except Problem as problem:
        show(problem, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0


if __name__ == "__main__":
    sys.exit(run_command(main))
