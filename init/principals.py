"""``./demo person`` and ``./demo client``: suspend somebody, or a client, everywhere, or set them another limit."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from urllib.parse import quote

from common import logs
from common.command import run as run_command
from common.settings import load
from fastmcp_vault.errors import InputError, KeycloakUnavailable, Problem, VaultDenied, VaultError
from fastmcp_vault.printable import show
from fastmcp_vault.state import Principal, State
from fastmcp_vault.state.protocol import Quota
from fastmcp_vault.vault.admin import VaultAdmin
from init import vault_people
from init.keycloak_admin import RealmAdmin
from init.settings import InitSettings
from init.suspend import administrator
from init.users import NAME

REVOKED_SECONDS = 5.0
"""How long `suspend` waits for the replicas to revoke what they hold, before it revokes the rest itself."""

APP = "mcp-demo-app"

MOST = 1_000_000
"""The largest limit that can be set."""

Done = tuple[str, bool]
"""What was done, and whether it was."""


def parser() -> argparse.ArgumentParser:
    """A person or a client, three verbs, and what they take."""
    top = argparse.ArgumentParser(prog="./demo", description=__doc__)
    kinds = top.add_subparsers(dest="kind", required=True, metavar="person|client")
    for kind, named in (("person", "NAME"), ("client", "CLIENT_ID")):
        verbs = kinds.add_parser(kind).add_subparsers(dest="verb", required=True, metavar="verb")
        suspend = verbs.add_parser("suspend", help="refuse every call, revoke everything that is held")
        suspend.add_argument("name", metavar=named)
        suspend.add_argument("--reason", default="", help="shown to everybody who is refused")
        resume = verbs.add_parser("resume", help="lift the suspension")
        resume.add_argument("name", metavar=named)
        verbs.add_parser("list", help="who is suspended, since when, by whom, and why")
        limit = verbs.add_parser("limit", help="another limit than the servers' own; 0: none")
        limit.add_argument("name", metavar=named)
        limit.add_argument("--calls-per-minute", type=_count, default=0, metavar="N")
        limit.add_argument("--at-once", type=_count, default=0, metavar="N")
        limit.add_argument("--default", action="store_true", help="the servers' own again")
        verbs.add_parser("limits", help="the limits that were set")
    return top


def _count(text: str) -> int:
    number = int(text)
    if not 0 <= number <= MOST:
        raise ValueError
    return number


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0 when all of it was done, 3 when something is left that the lines name, 1 with a sentence why not."""
    chosen = parser().parse_args(arguments)
    logs.set_up("suspensions", level="ERROR")
    try:
        return asyncio.run(_run(chosen, load(InitSettings)))
    except Problem as problem:
        show(problem, file=sys.stderr)
        return 1


async def _run(chosen: argparse.Namespace, settings: InitSettings) -> int:
    left = 0
    async with State(settings.state_dsn, application_name="suspensions") as state, opened(settings) as suspending:
        if chosen.verb in ("list", "limits"):
            show(*await (listed if chosen.verb == "list" else limited)(state, chosen.kind))
            return 0
        principal = await asyncio.to_thread(suspending.principal, chosen.kind, chosen.name)
        if chosen.verb == "limit":
            quota = None if chosen.default else Quota(chosen.calls_per_minute, chosen.at_once)
            await state.quotas.override(principal, quota, name=chosen.name, by=administrator())
            show(f"{chosen.name}: {_spelled(quota)}.")
            return 0
        if chosen.verb == "resume":
            there = await state.principals.resume(principal, by=administrator())
            show(f"{chosen.name} may go on." if there else f"{chosen.name} was not suspended.")
            return 0
        reason = " ".join(chosen.reason.split())
        async for line, done in suspending.suspend(state, principal, chosen.name, reason=reason):
            left += not done
            show(line)
    return 3 if left else 0


async def listed(state: State, kind: str) -> list[str]:
    """A line for each that is suspended."""
    found = [s for s in await state.principals.all() if s.principal.kind == kind]
    return [f"{s.name}  since {_when(s.since)} by {s.by}  {s.reason}".rstrip() for s in found] or [
        f"No {kind} is suspended."
    ]


async def limited(state: State, kind: str) -> list[str]:
    """A line for each limit that an administrator has set."""
    found = [(name, quota) for name, principal, quota in await state.quotas.overrides() if principal.kind == kind]
    return [f"{name}  {_spelled(quota)}" for name, quota in found] or [f"Every {kind} has the servers' own limits."]


def _spelled(quota: Quota | None) -> str:
    if quota is None:
        return "the servers' own limits"
    calls, room = (str(number) if number else "any number of" for number in quota)
    return f"{calls} calls a minute, {room} at once, at each server"


def _when(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S %Z", time.localtime(at))


class Suspending:
    """A suspension in the order in which it shuts the doors: first everybody refuses, then what is held ends."""

    def __init__(self, settings: InitSettings, keycloak: RealmAdmin, vault: VaultAdmin) -> None:
        self._settings, self._keycloak, self._vault = settings, keycloak, vault
        self._realm = f"/{settings.keycloak_realm}"

    def principal(self, kind: str, name: str) -> Principal:
        """Who bears that name at the issuer. Raises InputError, KeycloakUnavailable."""
        if kind == "client":
            # Not the moment to wait for Keycloak: without it the id is taken as it was typed.
            with suppress(KeycloakUnavailable):
                if not self._keycloak.get(f"{self._realm}/clients", clientId=name):
                    raise InputError(f"Keycloak has no client {name!r}.", fix="The page People shows those in use.")
            return Principal("client", self._settings.issuer, name)
        if not NAME.fullmatch(name):
            raise InputError(f"{name!r} is no user name.", fix="Give the name that stands in `init/users.yaml`.")
        try:
            found = self._keycloak.get(f"{self._realm}/users", username=name, exact="true")
            sub = str(found[0]["id"]) if found else ""
        except KeycloakUnavailable:
            # Vault knows the user id, too.
            entity = self._vault.read(f"identity/entity/name/{name}") or {}
            sub = next((str(alias["name"]) for alias in entity.get("aliases") or ()), "")
        if not sub:
            raise InputError(f"There is no account {name}.", fix="`init/users.yaml` lists those of the demo.")
        return Principal("person", self._settings.issuer, sub)

    async def suspend(self, state: State, principal: Principal, name: str, *, reason: str) -> AsyncIterator[Done]:
        """What was done, line by line, and written down. Raises StateUnavailable: then nobody is suspended."""
        held, problems = len(await state.vault_tokens.of_principal(principal)), []
        gone = await state.principals.suspend(principal, name=name, reason=reason, by=administrator())
        yield f"{name} is suspended: every server refuses within a second.", True
        if gone:
            yield f"Questions, links and shared traces of {name} that were open: {gone}, gone.", True
        left, why = await self.end_held(state, principal)
        yield f"Vault tokens revoked, with their leases: {held - left} of {held}. {why}".strip(), not left
        for what, act in self._of_a_person(principal.id, name) if principal.kind == "person" else ():
            try:
                await asyncio.to_thread(act)
            except Problem as problem:
                problems.append(f"{what} are NOT ended: {problem}")
                yield problems[-1], False
            else:
                yield f"{what} are ended.", True
        if principal.id == APP:
            yield "This is the app itself: nobody can use it, and only `./demo client resume` lifts it.", True
        await state.principals.note_revoked(
            principal, name=name, by=administrator(), held=held, left_over=left, problems=" ".join(problems)
        )

    def _of_a_person(self, sub: str, name: str) -> Iterator[tuple[str, Callable[[], None]]]:
        """What else a person may hold, and how it ends."""
        yield f"Tokens of the token API that {name} had made", lambda: self._api_tokens(sub)
        yield f"Database users of {name}", lambda: vault_people.end_database_users(self._vault, name)
        yield f"Sign-ins of {name} at Keycloak", lambda: self._signed_out(sub)

    async def end_held(self, state: State, principal: Principal) -> tuple[int, str]:
        """Each replica revokes what it holds, and the rest is revoked here; how many are left after that, and why."""
        deadline = time.monotonic() + REVOKED_SECONDS
        while (left := await state.vault_tokens.of_principal(principal)) and time.monotonic() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(0.1)
        kept, why = 0, ""
        for token in left:
            try:
                await asyncio.to_thread(self._revoke, token.accessor)
                await state.vault_tokens.forget(token.accessor)
            except Problem as problem:
                kept, why = kept + 1, f"The rest is NOT: {problem}"
        return kept, why

    def _api_tokens(self, sub: str) -> None:
        register = f"secret/metadata/token-api/issued/{sub}"
        for key in self._vault.names(register):
            self._revoke(key.rpartition("-")[2])
            self._vault.delete(f"{register}/{key}")

    def _revoke(self, accessor: str) -> None:
        """End a token by its accessor; one that is gone is fine: its holder revokes it at the same time."""
        try:
            self._vault.write("auth/token/revoke-accessor", {"accessor": accessor})
        except (VaultDenied, VaultError):
            if self._lives(accessor):
                raise

    def _lives(self, accessor: str) -> bool:
        try:
            self._vault.write("auth/token/lookup-accessor", {"accessor": accessor})
        except (VaultDenied, VaultError):
            return False
        return True

    def _signed_out(self, sub: str) -> None:
        self._keycloak.post(f"{self._realm}/users/{quote(sub)}/logout", {})


@asynccontextmanager
async def opened(settings: InitSettings) -> AsyncIterator[Suspending]:
    """Suspending, with connections to Keycloak and Vault that end with the block."""
    keycloak = RealmAdmin.of(settings)
    vault = VaultAdmin(settings.vault_addr, settings.vault_token)
    try:
        yield Suspending(settings, keycloak, vault)
    finally:
        vault.close()
        keycloak.close()


if __name__ == "__main__":
    sys.exit(run_command(main))
