"""Calls, sign-outs, changed secrets, outages and renewals in any order: the promises hold at each step."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from fastmcp_vault.credentials.calls import Call
from fastmcp_vault.credentials.grant import STALE_SECONDS
from fastmcp_vault.errors import CredentialMissing, Problem
from tests.library.heart import World, call, serving, settle

NAMES = ("alice", "bob", "carol")
PEOPLE = st.sampled_from(NAMES)
SESSIONS = st.sampled_from(("s-1", "s-2"))
GATES = st.sampled_from(("/token", "auth/jwt/login", "identity", "secret/data", "secret/metadata", "auth/token"))


class CredentialsMachine(RuleBasedStateMachine):
    """One server, three people with two sessions each, and everything that can come between."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.world = World()
        self.written: dict[str, list[tuple[float, str | None]]] = {}
        """What each path held, and since when; None: nothing."""
        self.signed_in: dict[tuple[str, str], float] = {}
        self.ended: dict[str, float] = {}
        self.calls: set[asyncio.Task[None]] = set()
        self.away_until = 0.0
        self.number = 0

    def run(self, work: Any) -> Any:
        return self.loop.run_until_complete(work)

    @initialize()
    def begin(self) -> None:
        for name in NAMES:
            self.world.person(name)
            self._write(name, f"first-of-{name}")
        self.running = serving(self.world)
        self.server = self.run(self.running.__aenter__())

    def _write(self, name: str, value: str | None) -> None:
        path = f"users/{name}/jira"
        self.written.setdefault(path, []).append((self.world.clock.now, value))
        if value is None:
            self.world.destroyed.add(path)
            return
        self.world.destroyed.discard(path)
        self.world.secrets.setdefault(path, []).append({"api_token": value})

    def _call(self, name: str, sid: str, *, fresh: bool = False) -> Call:
        sid = f"{sid}-of-{name}"
        began = self.signed_in.setdefault((name, sid), self.world.clock.now)
        made = call(self.world, f"sub-of-{name}", sid=sid, fresh=fresh)
        made.caller.claims = made.caller.claims.model_copy(update={"auth_time": began})
        return made

    async def _tried(self, one: Call, name: str) -> None:
        claims, asked_at = one.caller.claims, self.world.clock.now
        was_ended = claims.auth_time <= self.ended.get(claims.sid, 0.0)
        try:
            async with self.server.credentials.use(one) as held:
                got = held.credential
        except CredentialMissing:
            assert None in self._recent(name, asked_at)
            return
        except Problem:
            return
        assert not was_ended, "a session that had ended got a credential"
        assert got.path == f"secret/data/users/{name}/jira"
        value = got.fields["api_token"].get_secret_value()
        assert value.endswith(f"-of-{name}")
        assert value in self._recent(name, asked_at), "something older than the bound was used"

    def _recent(self, name: str, asked_at: float) -> set[str | None]:
        """What lay there within the bound before the call, or since Vault was last away."""
        bound = asked_at - STALE_SECONDS if asked_at - STALE_SECONDS > self.away_until else 0.0
        history = self.written[f"users/{name}/jira"]
        ends = [at for at, _ in history[1:]] + [float("inf")]
        return {value for (_, value), end in zip(history, ends, strict=True) if end > bound}

    @rule(name=PEOPLE, sid=SESSIONS, fresh=st.booleans())
    def calls_and_waits(self, name: str, sid: str, *, fresh: bool) -> None:
        self.run(self._begun(self._tried(self._call(name, sid, fresh=fresh), name)))

    async def _begun(self, work: Coroutine[Any, Any, None]) -> None:
        self.calls.add(asyncio.ensure_future(work))
        await settle()

    @rule(name=PEOPLE, sid=SESSIONS)
    def lists_tools(self, name: str, sid: str) -> None:
        async def listed() -> None:
            self.server.credentials.fetch_ahead(self._call(name, sid))
            await settle()

        self.run(listed())

    @rule()
    def somebody_goes_away(self) -> None:
        if self.calls:
            self.calls.pop().cancel()
            self.run(settle())

    @rule(seconds=st.sampled_from((1.0, 2.6, 5.0, 60.0, 620.0)))
    def time_passes(self, seconds: float) -> None:
        self.run(self.world.clock.forward(seconds))
        if self.world.away:
            self.away_until = self.world.clock.now

    @rule(name=PEOPLE)
    def a_secret_changes(self, name: str) -> None:
        self.number += 1
        self._write(name, f"number-{self.number}-of-{name}")

    @rule(name=PEOPLE)
    def a_secret_goes(self, name: str) -> None:
        self._write(name, None)

    @rule(name=PEOPLE, sid=SESSIONS)
    def signs_out(self, name: str, sid: str) -> None:
        whole = f"{sid}-of-{name}"
        self.ended[whole] = self.world.clock.now
        self.run(self._begun(self.server.state.end_session(whole)))

    @rule(name=PEOPLE, sid=SESSIONS)
    def signs_in_again(self, name: str, sid: str) -> None:
        self.world.clock.now += 0.001
        self.signed_in[name, f"{sid}-of-{name}"] = self.world.clock.now

    @rule(which=st.integers(0, 5))
    def an_administrator_revokes_a_token(self, which: int) -> None:
        live = self.world.live()
        if live:
            live[which % len(live)].revoked = True

    @rule(host=st.sampled_from(("vault", "issuer")))
    def a_part_goes_down(self, host: str) -> None:
        self.world.away.add(host)
        self.away_until = self.world.clock.now

    @rule()
    def all_parts_are_back(self) -> None:
        if self.world.away:
            self.away_until = self.world.clock.now
        self.world.away.clear()

    @rule(path=GATES)
    def something_hangs(self, path: str) -> None:
        self.world.gates.setdefault(path, asyncio.Event())

    @rule()
    def what_hung_goes_on(self) -> None:
        self._open_gates()
        self.run(settle())

    def _open_gates(self) -> None:
        for gate in self.world.gates.values():
            gate.set()
        self.world.gates.clear()

    @invariant()
    def nothing_broke(self) -> None:
        for task in [task for task in self.calls if task.done()]:
            self.calls.discard(task)
            if not task.cancelled():
                task.result()

    @invariant()
    def a_person_has_one_token_at_a_time(self) -> None:
        if self.world.away or self.world.gates or not hasattr(self, "server"):
            return
        self.run(settle())
        whose = [(token.sub, token.sid) for token in self.world.live()]
        assert len(whose) - len(set(whose)) <= self.server.logins.owed

    def teardown(self) -> None:
        try:
            if hasattr(self, "server"):
                self._open_gates()
                self.world.away.clear()
                self.run(self._closed())
                assert self.world.live() == [], "a token outlived the server"
        finally:
            self.loop.close()

    async def _closed(self) -> None:
        await self.world.clock.forward(60.0)
        await self.running.__aexit__(None, None, None)
        await asyncio.wait_for(asyncio.gather(*self.calls, return_exceptions=True), 5)


CredentialsMachine.TestCase.settings = settings(max_examples=50, stateful_step_count=25, deadline=None)
TestCredentialsInAnyOrder = CredentialsMachine.TestCase
