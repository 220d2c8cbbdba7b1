"""The ledger: every object looked at, and whether it was created, changed, unchanged, removed or left alone."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Literal

Part = Literal["keycloak", "postgresql", "vault"]


class LedgerOutcome(StrEnum):
    """What became of one object."""

    CREATED = "created"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    REMOVED = "removed"
    LEFT = "left alone"


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One object and its outcome. ``note`` says in a few words what changed; never a secret."""

    part: Part
    kind: str
    name: str
    outcome: LedgerOutcome
    note: str = ""


class Ledger:
    """Carries out changes, or with ``dry_run`` only plans them, and remembers each. Safe across threads.

    An object is entered after its action succeeded: what a report names has been done.
    """

    def __init__(self, *, dry_run: bool = False) -> None:
        self.dry_run = dry_run
        self.entries: list[LedgerEntry] = []
        self._lock = threading.Lock()

    def created(self, part: Part, kind: str, name: str, act: Callable[[], Any], *, note: str = "") -> None:
        """The object is missing: ``act`` makes it."""
        self._carry_out(LedgerEntry(part, kind, name, LedgerOutcome.CREATED, note), act)

    def changed(self, part: Part, kind: str, name: str, act: Callable[[], Any], *, note: str = "") -> None:
        """The object differs from what is wanted: ``act`` mends it."""
        self._carry_out(LedgerEntry(part, kind, name, LedgerOutcome.CHANGED, note), act)

    def removed(self, part: Part, kind: str, name: str, act: Callable[[], Any], *, note: str = "") -> None:
        """The object is init's own and no longer wanted: ``act`` removes it."""
        self._carry_out(LedgerEntry(part, kind, name, LedgerOutcome.REMOVED, note), act)

    def left(self, part: Part, kind: str, name: str, *, note: str) -> None:
        """The object is not as wanted, and what to do about it is for a person to decide: ``note`` says why."""
        self._enter(LedgerEntry(part, kind, name, LedgerOutcome.LEFT, note))

    def unchanged(self, part: Part, kind: str, name: str, *, note: str = "") -> None:
        """The object is as wanted."""
        self._enter(LedgerEntry(part, kind, name, LedgerOutcome.UNCHANGED, note))

    def settle(
        self, part: Part, kind: str, name: str, *, exists: bool, equal: bool, act: Callable[[], Any], note: str = ""
    ) -> None:
        """The common case: ``act`` writes the object whole, whether it is missing or differs."""
        if not exists:
            self.created(part, kind, name, act, note=note)
        elif not equal:
            self.changed(part, kind, name, act, note=note)
        else:
            self.unchanged(part, kind, name, note=note)

    def counts(self) -> dict[LedgerOutcome, int]:
        """How many objects had each outcome."""
        counted = Counter(entry.outcome for entry in self.entries)
        return {outcome: counted.get(outcome, 0) for outcome in LedgerOutcome}

    def as_dicts(self) -> list[dict[str, str]]:
        """The entries, JSON-ready."""
        return [asdict(entry) for entry in self.entries]

    def _carry_out(self, entry: LedgerEntry, act: Callable[[], Any]) -> None:
        if not self.dry_run:
            act()
        self._enter(entry)

    def _enter(self, entry: LedgerEntry) -> None:
        with self._lock:
            self.entries.append(entry)
