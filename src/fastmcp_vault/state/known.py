"""What one process knows of the shared state, without I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from fastmcp_vault.state.protocol import Principal, Quota, Suspended

FRESH_SECONDS = 5.0
"""Without a sign of life from the database for this long, nothing known may be relied on."""


class Known:
    """Ended sessions, suspensions and revoked tokens in memory; every question is answered without a wait.

    Times: seconds since the epoch.
    """

    def __init__(self) -> None:
        self._ended: dict[str, float] = {}
        self._suspensions: dict[Suspended, str] = {}
        self._people: dict[str, Principal] = {}
        self._quotas: dict[Principal, Quota] = {}
        self._revoked: set[str] = set()
        self._read = False
        self._heard_at = float("-inf")

    def heard(self, at: float) -> None:
        """The database answered a question asked at ``at`` (seconds)."""
        self._heard_at = max(self._heard_at, at)

    def fresh(self, now: float) -> bool:
        """Whether the database gave a sign of life in the last FRESH_SECONDS."""
        return self.age(now) <= FRESH_SECONDS

    def age(self, now: float) -> float:
        """Seconds since the last sign of life; infinite before the first one."""
        return now - self._heard_at

    def ended(self, sid: str, auth_time: float = 0.0) -> bool:
        """Whether this session has ended since the sign-in at ``auth_time``.

        Keycloak keeps a session's id when its person signs in again within it: that later sign-in is not ended.
        """
        return auth_time <= self._ended.get(sid, float("-inf"))

    def end(self, sessions: Mapping[str, float]) -> list[str]:
        """These sessions ended at these times; returns those of which it was not known."""
        new = [sid for sid, at in sessions.items() if at > self._ended.get(sid, float("-inf"))]
        self._ended.update({sid: sessions[sid] for sid in new})
        return new

    def revoked(self, jti: str) -> bool:
        """Whether this agent's token was revoked."""
        return jti in self._revoked

    def revoke(self, jti: str) -> None:
        """This token is revoked."""
        self._revoked.add(jti)

    def suspended(self, what: Suspended) -> str | None:
        """The reason why a server, a person or a client is suspended; None when it is not."""
        return self._suspensions.get(what)

    def suspended_person(self, name: str) -> Principal | None:
        """The suspended person of this user name."""
        return self._people.get(name)

    def quota(self, principal: Principal) -> Quota | None:
        """The quota that an administrator set for them."""
        return self._quotas.get(principal)

    def replace_quotas(self, quotas: Mapping[Principal, Quota]) -> None:
        """Exactly these are set."""
        self._quotas = dict(quotas)

    def replace(
        self,
        *,
        ended: Mapping[str, float],
        suspensions: Mapping[Suspended, str],
        people: Mapping[str, Principal] | None = None,
        revoked: Iterable[str] = (),
    ) -> tuple[list[str], list[Suspended]]:
        """Exactly this holds, as just read; returns the sessions and what is suspended that changed for the worse.

        Nothing at the first reading: before it this process served nobody.
        """
        before, self._ended = self._ended, dict(ended)
        self._revoked = set(revoked)
        newly_suspended = self.replace_suspensions(suspensions, people)
        first, self._read = not self._read, True
        newly_ended = sorted(sid for sid, at in self._ended.items() if at > before.get(sid, float("-inf")))
        return ([], []) if first else (newly_ended, newly_suspended)

    def replace_suspensions(
        self, suspensions: Mapping[Suspended, str], people: Mapping[str, Principal] | None = None
    ) -> list[Suspended]:
        """Exactly these are suspended, the ``people`` among them by user name; returns those that were not."""
        self._people = dict(people or {})
        before, self._suspensions = self._suspensions, dict(suspensions)
        return [what for what in self._suspensions if what not in before]
