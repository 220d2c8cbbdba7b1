"""A whole workshop: everybody at once, exercise by exercise, the network cut in the middle, and a reset at the end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import ssl
import statistics
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

import psutil
import psycopg

from app.texts import t
from app.workshop import EXERCISES
from fastmcp_vault.vault.admin import VaultAdmin
from init.keycloak_admin import RealmAdmin
from init.settings import InitSettings
from stack import control
from tests.room.chromium_table import ChromiumTable
from tests.room.conftest import ServedRoom
from tests.room.participant import RoomParticipant

PREFIX = "table"
Say = Callable[[str], None]


@dataclass(frozen=True)
class CrowdReport:
    """What was measured. Times in seconds, memory in bytes (proportional set size)."""

    opened: Sequence[float]
    """Pages that were opened, and runs that only draw."""
    pressed: Sequence[float]
    """Buttons, whose runs wait for Keycloak, Vault and the servers; the cut lies in some of them."""
    memory: dict[str, int]
    lost: int
    """Connections that the cut ended, and that were made anew."""

    def lines(self) -> list[str]:
        """For people."""
        told = [_percentiles("pages opened", self.opened), _percentiles("buttons pressed", self.pressed)]
        sizes = ", ".join(f"{name} {size / 1e6:.0f} MB" for name, size in self.memory.items())
        return [*told, f"connections that the cut ended, made anew: {self.lost}", f"memory: {sizes}"]


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which that share lies."""
    return statistics.quantiles(values, n=100, method="inclusive")[round(share * 100) - 1]


def _percentiles(name: str, values: Sequence[float]) -> str:
    middle, late = percentile(values, 0.5), percentile(values, 0.95)
    return f"{name}: {len(values)}, p50 {middle:.2f} s, p95 {late:.2f} s, longest {max(values):.2f} s"


async def workshop(
    served: ServedRoom, count: int, *, cut: float, pause: float, say: Say, browsers: int = 0
) -> CrowdReport:
    """``count`` people do all exercises by the traffic of browsers, ``browsers`` of them some at a real Chromium.

    ``cut``: seconds without a network; ``pause``: how long people think at most, in seconds.
    Raises AssertionError for whatever is not as it must be.
    """
    trust = ssl.create_default_context(cafile=str(served.stack.layout.data / "room" / "authority.pem"))
    served.command("people", "add", "--count", str(count), "--prefix", PREFIX)
    names = [f"{PREFIX}-{number:02d}" for number in range(1, count + 1)]
    people = [
        RoomParticipant(name, served.password(name), served.origin, trust, f"127.0.1.{number}")
        for number, name in enumerate(names[browsers:], 1)
    ]
    tables = [ChromiumTable(name, served.password(name), served.origin) for name in names[:browsers]]
    charlie = RoomParticipant("charlie", served.password("charlie"), served.origin, trust, "127.0.2.1")
    before = _standing(served, names)
    try:
        await charlie.sign_in()
        report = await _all_of_it(served, people, tables, charlie, cut=cut, pause=pause, say=say)
        await _reset(charlie, people, tables)
        assert not any(table.failed for table in tables), "\n".join(table.failed for table in tables)
        assert _standing(served, names) == before, "the facilitator's reset left something"
    finally:
        for one in (*people, *tables, charlie):
            await one.leave()
    served.command("people", "remove", "--prefix", PREFIX)
    return report


async def _all_of_it(
    served: ServedRoom,
    people: Sequence[RoomParticipant],
    tables: Sequence[ChromiumTable],
    charlie: RoomParticipant,
    *,
    cut: float,
    pause: float,
    say: Say,
) -> CrowdReport:
    async def everybody(
        what: str,
        act: Callable[[RoomParticipant], Coroutine[Any, Any, object]],
        in_chromium: Callable[[ChromiumTable], None] | None = None,
    ) -> list[Any]:
        async def one(person: RoomParticipant) -> object:
            await asyncio.sleep(random.uniform(0, pause))
            return await act(person)

        beside = [table.does(in_chromium) for table in tables] if in_chromium else []
        found = await asyncio.gather(*map(one, people), *beside)
        say(f"{what} ({_percentiles('pages so far', _seconds(people, 'open'))})")
        return list(found)[: len(people)]

    await everybody("signed in", _arrive, ChromiumTable.arrives)
    _recorded(served, people)
    shown = await everybody("used their tools", RoomParticipant.use_tools)
    _nothing_crossed(served, people, shown)
    found = dict(zip([person.name for person in people], shown, strict=True))

    async def first(person: RoomParticipant) -> None:
        entity, user = found[person.name]
        await person.tab.open("workshop")
        await person.check("sign-in")
        await person.check("entity", id=entity)
        await person.check("database", user=user)
        await person.check("others", whose="bob")

    async def second(person: RoomParticipant) -> None:
        partner = f"{person.name}-bob"
        await person.check("bob", path=f"secret/data/users/{partner}/jira")
        await person.check("give", done=False)
        await person.tab.press("workshop.act.give.store")
        await person.check("give")
        await person.check("broken", part=t("workshop.broken.part.signature"), layer=t("workshop.broken.layer.mcp"))

    await everybody("did exercises 1 to 4", first, ChromiumTable.does_1_to_4)
    cutting = asyncio.create_task(_cut(served, cut))
    await everybody(f"did exercises 5, 6 and 9, with {cut:g} s without a network", second)
    await cutting
    await everybody("loaded their page again", RoomParticipant.reload, ChromiumTable.goes_on)
    await everybody("did exercises 7 and 10", _tokens_and_audit)
    await everybody("did exercise 11", _chats)
    await everybody("did exercise 12", _connects)
    await charlie.suspend("mcp-github", reason="workshop")
    await everybody("met the suspended server", lambda person: person.check("suspend", done=False))
    await charlie.resume("mcp-github")
    await everybody("did exercise 8", lambda person: person.check("suspend"))
    memory = _memory(served)
    await everybody("did exercise 13", _signs_out)
    for person in people:
        assert person.done == {exercise.id for exercise in EXERCISES}, person.name
        await person.tab.press("workshop.act.give.take-back")
    return CrowdReport(
        opened=_seconds(people, "open"),
        pressed=_seconds(people, "press"),
        memory=memory,
        lost=sum(person.tab.lost for person in people),
    )


def _seconds(people: Sequence[RoomParticipant], did: str) -> list[float]:
    """How long each run of a page took that began so."""
    return [seconds for person in people for what, seconds in person.tab.ran if what.startswith(did)]


async def _arrive(person: RoomParticipant) -> None:
    await person.sign_in()
    await person.tab.open("workshop")


async def _tokens_and_audit(person: RoomParticipant) -> None:
    accessor = await person.make_token()
    await person.tab.open("workshop")
    await person.check("revoke", done=False)
    await person.tab.open("vault-tokens")
    await person.tab.press(f"revoke.{accessor}")
    line = await person.audit_line()
    await person.tab.open("workshop")
    await person.check("revoke")
    await person.check("audit", request=line)


async def _chats(person: RoomParticipant) -> None:
    await person.chat()
    await person.tab.open("workshop")
    await person.check("chat")


async def _connects(person: RoomParticipant) -> None:
    await person.connect()
    await person.check("connect", done=False)
    await person.tab.open("my-secrets")
    await person.tab.press("accounts.disconnect.jira")
    await person.tab.open("workshop")
    await person.check("connect", done=False)
    await person.connect()
    await person.check("connect")


async def _signs_out(person: RoomParticipant) -> None:
    await person.check("sign-out", done=False)
    await person.sign_out()
    await person.sign_in()
    await person.tab.open("workshop")
    await person.check("sign-out")


async def _cut(served: ServedRoom, seconds: float) -> None:
    """The front stands still: nothing is accepted, read or sent, as when everybody's Wi-Fi is gone."""
    front = served.stack.status("front").pid
    assert front is not None
    await asyncio.sleep(0.5)
    os.kill(front, signal.SIGSTOP)
    try:
        await asyncio.sleep(seconds)
    finally:
        os.kill(front, signal.SIGCONT)


async def _reset(charlie: RoomParticipant, people: Sequence[RoomParticipant], tables: Sequence[ChromiumTable]) -> None:
    await charlie.tab.open("workshop")
    await charlie.tab.press("workshop.reset.do", **{"pick.reset": t("workshop.reset.everybody")})
    assert t("workshop.reset.done", count=len(people) + len(tables)) in charlie.tab.words()
    for person in people:
        person.done = set()
        await person.reload()
    await asyncio.gather(*(table.does(ChromiumTable.begins_anew) for table in tables))


def _nothing_crossed(served: ServedRoom, people: Sequence[RoomParticipant], shown: Sequence[tuple[str, str]]) -> None:
    """Each saw their own entity, as Vault knows it, and a database user of their own, and nobody else's name."""
    settings = InitSettings(**{k.lower(): v for k, v in served.stack.environment("init").items()})
    vault = VaultAdmin(settings.vault_addr, settings.vault_token)
    try:
        for person, (entity, _) in zip(people, shown, strict=True):
            assert (vault.read(f"identity/entity/name/{person.name}") or {})["id"] == entity, person.name
    finally:
        vault.close()
    assert len({user for _, user in shown}) == len(people)
    for person in people:
        words = person.tab.words()
        others = [other.name for other in people if other is not person and other.name in words]
        assert not others, f"{person.name} sees {others}"


def _recorded(served: ServedRoom, people: Sequence[RoomParticipant]) -> None:
    """Keycloak's record of sign-ins knows from which device each came, although all came by the front."""
    settings = InitSettings(**{k.lower(): v for k, v in served.stack.environment("init").items()})
    keycloak = RealmAdmin.of(settings)
    try:
        for person in people:
            (known,) = keycloak.get("/mcp-demo/users", username=person.name, exact="true")
            found = keycloak.get("/mcp-demo/events", type="LOGIN", user=known["id"])
            assert {event["ipAddress"] for event in found} == {person.address}, person.name
    finally:
        keycloak.close()


def _standing(served: ServedRoom, names: Sequence[str]) -> dict[str, object]:
    """What the exercises change: progress, suspensions, what the facilitator shows, partners' credentials."""
    settings = InitSettings(**{k.lower(): v for k, v in served.stack.environment("init").items()})
    vault = VaultAdmin(settings.vault_addr, settings.vault_token)
    try:
        stored = {name: vault.list(f"secret/metadata/users/{name}-bob")["keys"] for name in names}
    finally:
        vault.close()
    with psycopg.connect(settings.state_dsn.get_secret_value()) as state:
        counted = {
            table: state.execute(f"SELECT count(*) FROM {table}").fetchone()
            for table in ("workshop_progress", "suspensions")
        }
    return {**counted, "stored": stored}


def _memory(served: ServedRoom) -> dict[str, int]:
    """Memory of the services that people's browsers use, and of all together; what is shared is counted once."""
    found: dict[str, int] = {}
    for name in ("app", "front", "keycloak", "mcp-jira"):
        pid = served.stack.status(name).pid
        if pid is not None:
            found[name] = psutil.Process(pid).memory_full_info().pss
    found["all services"] = 0
    for process in control.processes_of(served.stack.layout):
        with contextlib.suppress(psutil.Error):  # It has just ended.
            found["all services"] += process.memory_full_info().pss
    return found
