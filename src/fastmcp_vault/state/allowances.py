"""What this replica may admit by itself: parts of quotas, taken from the shared count before they run out.

A call that finds enough here costs no question. Who calls past a quota is refused here as well, for the count is asked
about an exhausted key a few times a second at most, however many calls there are.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Protocol

from fastmcp_vault.errors import RateLimited, StateUnavailable
from fastmcp_vault.sentences import Sentence
from fastmcp_vault.state.protocol import Quota
from fastmcp_vault.state.quotas import WINDOW_SECONDS, QuotaPart, QuotaWish, UnusedPart

IDLE_SECONDS = 2.0
"""What a replica holds of a quota and has not used for so long goes back to the others."""

LOOK_SECONDS = 1.0
"""How often that is looked for."""

ASK_AGAIN_SECONDS = 0.2
"""How often a used-up quota is asked about: others give back what they do not need."""

PATIENCE_SECONDS = 2.0
"""How long the count may take to answer: one that is slow is not away. Then the replica counts alone for AWAY_SECONDS.
Also how long a call goes on asking: in a crowd others may take what an answer brought."""

AWAY_SECONDS = 5.0

ROOM_SECONDS = 1.0
"""When to try again where too many calls are under way: that depends on them, and nobody knows it."""

_log = logging.getLogger(__name__)


class QuotaKey(NamedTuple):
    """What is counted: a person (``sub`` at ``iss``), a client (``azp``), a tool (``iss`` is empty)."""

    kind: Literal["person", "client", "tool"]
    iss: str
    id: str


class QuotaStore(Protocol):
    """What is asked of :class:`fastmcp_vault.state.quotas.Quotas`."""

    async def take(self, wishes: Sequence[QuotaWish]) -> dict[str, QuotaPart]:
        """A part for each wish. Raises StateUnavailable."""

    async def give_back(self, unused: Sequence[UnusedPart]) -> None:
        """What was not used. Raises StateUnavailable."""


@dataclass(frozen=True, slots=True)
class QuotaStanding:
    """What is left of a quota: calls of the minute, which begins anew in ``resets_in`` seconds."""

    per_minute: int
    left: int
    resets_in: float


@dataclass(slots=True, eq=False)
class Allowance:
    """One key's part. ``until``: the end of the minute, on the clock; ``calls``, ``slots``: free to use here; ``used``:
    calls under way; ``taken``: by all replicas, as last told; ``alone``: calls admitted while the count was away."""

    quota: Quota
    until: float = float("-inf")
    window: int = 0
    calls: int = 0
    taken: int = 0
    slots: int = 0
    used: int = 0
    alone: int = 0
    last_used: float = 0.0
    asked_at: float = float("-inf")

    def out_of_calls(self, now: float) -> bool:
        """Whether one more call needs a part of the minute."""
        return self.quota.per_minute > 0 and (now >= self.until or self.calls <= 0)

    def out_of_slots(self) -> bool:
        """Whether one more call needs room at once."""
        return self.quota.at_once > 0 and self.slots <= 0

    def lacks(self, now: float) -> bool:
        """Whether one more call cannot be admitted by what is here."""
        return self.out_of_calls(now) or self.out_of_slots()

    def standing(self, now: float) -> QuotaStanding:
        """What is left, as far as it is known here."""
        if now >= self.until:
            return QuotaStanding(self.quota.per_minute, self.quota.per_minute, 0.0)
        left = self.calls + max(0, self.quota.per_minute - self.taken)
        return QuotaStanding(self.quota.per_minute, left, self.until - now)


@dataclass(slots=True, eq=False)
class _Question:
    """What the count is asked next, for all calls that wait for it."""

    lacking: dict[QuotaKey, Allowance] = field(default_factory=dict)
    answered: asyncio.Event = field(default_factory=asyncio.Event)


class Allowances:
    """The parts that this replica holds, by key. One event loop; ``clock`` gives seconds and does not jump.

    Use as ``async with``: at the end everything unused goes back.
    """

    def __init__(self, store: QuotaStore, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._store, self._clock = store, clock
        self._held: dict[QuotaKey, Allowance] = {}
        self._next = _Question()
        self._asking: asyncio.Task[None] | None = None
        self._unused: list[UnusedPart] = []
        self._away_until = self._refused_at = float("-inf")
        self._returning: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def admitted(self, quotas: Mapping[QuotaKey, Quota]) -> AsyncIterator[dict[QuotaKey, QuotaStanding]]:
        """One call of each key inside the block; what is left then. Raises RateLimited, and nothing else."""
        began = now = self._clock()
        mine = {key: self._allowance(key, quota, now) for key, quota in quotas.items()}
        while now - began < PATIENCE_SECONDS and await self._filled(mine):
            now = self._clock()
        # Nobody is refused by what was so in a minute that is over, nor because the count is busy.
        _count_alone(_lacking(mine, now).values(), now)
        for key, one in mine.items():
            if one.lacks(now):
                self._refused_at = now
                raise _refused(key, one, now)
        for one in mine.values():
            one.calls, one.slots, one.used, one.last_used = one.calls - 1, one.slots - 1, one.used + 1, now
        try:
            yield {key: one.standing(now) for key, one in mine.items()}
        finally:
            for one in mine.values():
                one.slots, one.used, one.last_used = one.slots + 1, one.used - 1, self._clock()

    def expect(self, quotas: Mapping[QuotaKey, Quota]) -> None:
        """Begin to ask, beside the caller, for what a first call of these keys would wait for. Not after a refusal."""
        now = self._clock()
        if not self.refuses():
            self._question({key: self._allowance(key, quota, now) for key, quota in quotas.items()})

    def refuses(self) -> bool:
        """Whether anybody was refused within the last minute: otherwise :meth:`refusal` knows of nobody."""
        return self._clock() - self._refused_at < WINDOW_SECONDS

    def refusal(self, quotas: Mapping[QuotaKey, Quota]) -> RateLimited | None:
        """Why one more call would be refused, where that is known by an answer of just now. No I/O, and no promise."""
        now = self._clock()
        for key, quota in quotas.items():
            one = self._held.get(key)
            if one is not None and one.quota == quota and one.lacks(now) and not _askable(one, now):
                return _refused(key, one, now)
        return None

    async def return_idle(self, *, idle: float = IDLE_SECONDS) -> None:
        """Give back what was not used for ``idle`` seconds, and forget who does not call any more."""
        now = self._clock()
        still = {key: one for key, one in self._held.items() if now - one.last_used >= idle}
        unused = [
            UnusedPart(_text(key), one.window, one.calls if now < one.until else 0, max(0, one.slots))
            for key, one in sorted(still.items())
        ]
        for key, one in still.items():
            one.calls = one.slots = 0
            if not one.used and now >= one.until:
                del self._held[key]
        unused, self._unused = self._unused + unused, []
        if unused := [part for part in unused if part.calls > 0 or part.slots > 0]:
            try:
                await self._store.give_back(unused)
            except StateUnavailable as problem:
                # Room that nobody was told of is free again when this replica ends.
                _log.warning("Unused parts of limits could not be given back: %s", problem)

    async def __aenter__(self) -> Allowances:
        self._returning = asyncio.create_task(self._return_for_ever())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._returning is not None:
            self._returning.cancel()
            with suppress(asyncio.CancelledError):
                await self._returning
        if self._asking is not None:
            await self._asking
        await self.return_idle(idle=0.0)

    def _allowance(self, key: QuotaKey, quota: Quota, now: float) -> Allowance:
        one = self._held.get(key)
        if one is None:
            one = self._held[key] = Allowance(quota, last_used=now)
        elif one.quota != quota:
            # An administrator changed it: what is here was taken under the former one, and goes back.
            self._unused.append(UnusedPart(_text(key), one.window, one.calls if now < one.until else 0, 0))
            one.quota, one.calls, one.asked_at = quota, 0, float("-inf")
            one.slots = min(one.slots, quota.at_once - one.used)
        return one

    async def _filled(self, mine: Mapping[QuotaKey, Allowance]) -> bool:
        """Whether the count was asked for what is lacking; not if nothing is, or the count is away."""
        question = self._question(mine)
        if question is not None:
            await question.answered.wait()
        return question is not None

    def _question(self, mine: Mapping[QuotaKey, Allowance]) -> _Question | None:
        """The question for what is lacking. One is under way at a time; what is lacking meanwhile goes in the next."""
        now = self._clock()
        lacking = _lacking(mine, now)
        if not lacking or now < self._away_until:
            return None
        question = self._next
        question.lacking.update(lacking)
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask())
        return question

    async def _ask(self) -> None:
        while self._next.lacking:
            question, self._next = self._next, _Question()
            try:
                now = self._clock()
                # The answer before this one may have brought it.
                lacking = {_text(key): one for key, one in _lacking(question.lacking, now).items()}
                if lacking and not await self._take(lacking, now):
                    _count_alone(lacking.values(), self._clock())
            finally:
                question.answered.set()

    async def _take(self, lacking: Mapping[str, Allowance], now: float) -> bool:
        """Ask the count; whether it answered."""
        wishes = {
            key: QuotaWish(
                key,
                one.quota.per_minute if one.out_of_calls(now) else 0,
                one.quota.at_once if one.out_of_slots() else 0,
            )
            for key, one in sorted(lacking.items())
        }
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                parts = await self._store.take(list(wishes.values()))
        except (StateUnavailable, TimeoutError) as problem:
            _log.warning("Calls are counted by this replica alone for a moment: %s", problem or "no answer")
            self._away_until = self._clock() + AWAY_SECONDS
            return False
        for key, part in parts.items():
            _put(lacking[key], wishes[key], part, now)
        return True

    async def _return_for_ever(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            await self.return_idle()


def _text(key: QuotaKey) -> str:
    return " ".join(key)


def _askable(one: Allowance, now: float) -> bool:
    """Whether the answer may be another than the last one."""
    return now >= one.until or now - one.asked_at >= ASK_AGAIN_SECONDS


def _lacking(mine: Mapping[QuotaKey, Allowance], now: float) -> dict[QuotaKey, Allowance]:
    """Those by which one more call cannot be admitted, as far as is known."""
    return {key: one for key, one in mine.items() if one.lacks(now) and _askable(one, now)}


def _put(one: Allowance, wish: QuotaWish, part: QuotaPart, asked_at: float) -> None:
    if part.window > one.window:
        one.window, one.calls, one.alone = part.window, 0, 0
    # The database said when its minute ends after it was asked: this end is never later than that one.
    one.until = asked_at + part.ends_in
    one.calls += part.calls
    one.slots += part.slots
    one.taken = part.taken
    # Only an answer that brought nothing of what was asked for is not asked for again at once.
    short = (wish.calls and not part.calls) or (wish.slots and not part.slots)
    one.asked_at = asked_at if short else float("-inf")


def _count_alone(lacking: Iterable[Allowance], now: float) -> None:
    """While the count is away nobody within their quota is stopped: each replica admits up to the whole of it."""
    for one in lacking:
        if now >= one.until:
            one.until, one.calls, one.alone = now + WINDOW_SECONDS, 0, 0
        if one.out_of_calls(now) and one.alone < one.quota.per_minute:
            one.calls, one.alone = 1, one.alone + 1
        if one.out_of_slots() and one.used < one.quota.at_once:
            one.slots = 1


def _refused(key: QuotaKey, one: Allowance, now: float) -> RateLimited:
    if one.out_of_calls(now):
        after, most, minute = max(0.0, one.until - now), one.quota.per_minute, True
    else:
        after, most, minute = ROOM_SECONDS, one.quota.at_once, False
    what = {
        ("person", True): Sentence("You made {most} calls within a minute, and may make no more.", most=most),
        ("person", False): Sentence("{most} calls of yours are under way, and no more may be at once.", most=most),
        ("client", True): Sentence(
            "{most} calls were made with the client {name} within a minute, and no more may be.", most=most, name=key.id
        ),
        ("client", False): Sentence(
            "{most} calls with the client {name} are under way, and no more may be at once.", most=most, name=key.id
        ),
        ("tool", True): Sentence(
            "{name} was called {most} times within a minute, and may not be called more often.", most=most, name=key.id
        ),
        ("tool", False): Sentence(
            "{most} calls of {name} are under way, and no more may be at once.", most=most, name=key.id
        ),
    }[key.kind, minute]
    seconds = max(1, round(after + 0.5))
    policy = (key.kind, most, WINDOW_SECONDS) if minute else None
    return RateLimited(
        what, fix=Sentence("Try again in {seconds} s.", seconds=seconds), retry_after=seconds, policy=policy
    )
