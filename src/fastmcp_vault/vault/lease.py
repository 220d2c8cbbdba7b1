"""How long a credential lives, on a clock handed in."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass


@dataclass(frozen=True, slots=True)
class Lease:
    """A credential's lifetime as Vault states it (``lease_duration``, seconds), on a clock handed in.

    Vault API: sys/leases. ``issued_at`` is taken before the request leaves, so that a slow answer
    never makes the lease look longer than it is. A token's own lease has no ``lease_id``.
    """

    lease_id: str
    duration: float
    _: KW_ONLY
    issued_at: float
    renewable: bool = True

    @property
    def expires_at(self) -> float:
        """When the lease ends, in seconds on the clock of ``issued_at``."""
        return self.issued_at + self.duration

    def remaining(self, now: float) -> float:
        """Seconds left; never below 0."""
        return max(0.0, self.issued_at + self.duration - now)

    def due(self, now: float, *, fraction: float) -> bool:
        """True once ``fraction`` of the lifetime is gone: 2/3 for the token API, 4/5 for the client."""
        return self.remaining(now) <= self.duration * (1 - fraction)
