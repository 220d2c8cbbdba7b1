"""What is counted and measured, each declared once with its labels. Nothing is kept until a meter is given.

``metrics.REFUSALS.add(server="jira", reason="session_ended")``. No label holds a person's name or id, and of each label
only LABEL_VALUES different values are kept: whatever callers send, the number of time series is bounded.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from opentelemetry.metrics import CallbackOptions, Meter, Observation

LABEL_VALUES = 64
"""Different values that one label of one instrument may have in a process; any other is counted as OTHER."""

OTHER = "other"

SECONDS = (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds of a duration's buckets."""

Labels = Mapping[str, str]
Read = Callable[[], Iterable[tuple[float, Labels]]]
"""Reads values with their labels, without a wait: it is called in the thread that sends."""


class Instrument:
    """Something counted. ``labels`` are all the labels it has, each of which every value must give."""

    def __init__(self, name: str, description: str, *, labels: tuple[str, ...], unit: str = "") -> None:
        self.name, self.description, self.labels, self.unit = name, description, labels, unit
        self._seen: dict[str, set[str]] = {label: set() for label in labels}
        INSTRUMENTS.append(self)

    def use(self, meter: Meter | None) -> None:
        """Keep values with this meter from now on; None: keep none."""
        raise NotImplementedError

    def _bounded(self, given: Labels) -> dict[str, str]:
        """The labels as they are kept. Raises ValueError for labels other than those declared."""
        if given.keys() != self._seen.keys():
            raise ValueError(f"{self.name} has the labels {', '.join(self.labels)}")
        return {label: self._known(label, value) for label, value in given.items()}

    def _known(self, label: str, value: str) -> str:
        seen = self._seen[label]
        if value not in seen:
            if len(seen) >= LABEL_VALUES:
                return OTHER
            seen.add(value)
        return value


class Count(Instrument):
    """A number that only grows."""

    _made: Any = None

    def use(self, meter: Meter | None) -> None:
        """See Instrument."""
        self._made = meter and meter.create_counter(self.name, self.unit, self.description)

    def add(self, number: int = 1, **labels: str) -> None:
        """So many more."""
        if self._made is not None:
            self._made.add(number, self._bounded(labels))


class Running(Instrument):
    """How many of something are under way."""

    _made: Any = None

    def use(self, meter: Meter | None) -> None:
        """See Instrument."""
        self._made = meter and meter.create_up_down_counter(self.name, self.unit, self.description)

    @contextmanager
    def one(self, **labels: str) -> Iterator[None]:
        """One more, for as long as the block runs."""
        made = self._made
        if made is None:
            yield
            return
        kept = self._bounded(labels)
        made.add(1, kept)
        try:
            yield
        finally:
            made.add(-1, kept)


class Duration(Instrument):
    """How long something took, in seconds."""

    _made: Any = None

    def use(self, meter: Meter | None) -> None:
        """See Instrument."""
        self._made = meter and meter.create_histogram(
            self.name, "s", self.description, explicit_bucket_boundaries_advisory=SECONDS
        )

    def record(self, seconds: float, **labels: str) -> None:
        """It took so long, this once."""
        if self._made is not None:
            self._made.record(seconds, self._bounded(labels))


class Level(Instrument):
    """A number as it is when it is asked for, read from those who :meth:`watch` it."""

    def __init__(self, name: str, description: str, *, labels: tuple[str, ...], unit: str = "") -> None:
        super().__init__(name, description, labels=labels, unit=unit)
        self._reads: list[Read] = []
        self.kept = False
        """Whether anybody will ask."""
        self._changing = threading.Lock()

    def use(self, meter: Meter | None) -> None:
        """See Instrument."""
        self.kept = meter is not None
        if meter is not None:
            meter.create_observable_gauge(self.name, [self._observed], self.unit, self.description)

    def watch(self, read: Read) -> Callable[[], None]:
        """Ask ``read`` from now on, until what is returned is called."""
        with self._changing:
            self._reads = [*self._reads, read]

        def leave() -> None:
            with self._changing:
                self._reads = [one for one in self._reads if one is not read]

        return leave

    def _observed(self, _: CallbackOptions) -> list[Observation]:
        return [Observation(value, self._bounded(labels)) for read in self._reads for value, labels in read()]


INSTRUMENTS: list[Instrument] = []
"""All there are."""


def use_meter(meter: Meter | None) -> None:
    """Keep what is counted from now on, with this meter; None: nothing."""
    for instrument in INSTRUMENTS:
        instrument.use(meter)


CALLS = Duration(
    "fastmcp_vault.call.duration",
    "Tool calls. Outcome: done, asked (a person is asked first), refused, failed; reason: the problem's code.",
    labels=("server", "tool", "outcome", "reason"),
)
IN_FLIGHT = Running(
    "fastmcp_vault.calls.in_flight",
    "Tool calls that have begun and are not answered yet.",
    labels=("server",),
)
STEPS = Duration(
    "fastmcp_vault.step.duration",
    "Steps of calls: token exchanges, Vault logins, reads of credentials, calls of back ends. Status as in the trace.",
    labels=("step", "server", "status", "reason"),
)
REFUSALS = Count(
    "fastmcp_vault.refusals",
    "Requests refused before a tool was called, by the problem's code.",
    labels=("server", "reason"),
)
RENEWALS = Count(
    "fastmcp_vault.renewals",
    "Vault tokens and leases whose time was begun anew (done), or was not (failed).",
    labels=("server", "outcome"),
)
REVOCATIONS = Count(
    "fastmcp_vault.revocations",
    "Vault tokens revoked (done), or to be revoked later (owed).",
    labels=("server", "outcome"),
)
OWED = Level(
    "fastmcp_vault.revocations.owed",
    "Vault tokens that should be revoked and could not be yet.",
    labels=("server",),
)
CREDENTIALS = Level("fastmcp_vault.credentials", "Logins to Vault held for callers.", labels=("server",))
LEASES = Level("fastmcp_vault.leases", "Database users held for callers.", labels=("server",))
STATE_AGE = Level(
    "fastmcp_vault.state.age",
    "Since the shared state's last sign of life; from 5 s on calls are refused.",
    labels=(),
    unit="s",
)
CIRCUITS = Level(
    "fastmcp_vault.circuit.open",
    "1 while a part counts as down and is not asked: keycloak, vault, backend.",
    labels=("server", "part"),
)
APPROVALS = Count(
    "fastmcp_vault.approvals",
    "A person's yes: asked, given, refused, used, expired.",
    labels=("audience", "outcome"),
)
AUDITED = Count(
    "fastmcp_vault.audited",
    "Actions for the audit trail: written, or lost.",
    labels=("server", "outcome"),
)
SIGN_INS = Count("fastmcp_vault.sign_ins", "Sign-ins at the app, by outcome.", labels=("outcome",))
SESSIONS = Level("fastmcp_vault.sessions", "Sessions of the app, of all its replicas.", labels=())
