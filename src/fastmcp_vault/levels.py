"""Levels of authentication: how surely Keycloak knows the person, by the names that ``acr`` has in its tokens.

OpenID Connect Core §2 (``acr``) leaves the names to whoever runs the server; these are this realm's.
"""

from __future__ import annotations

from typing import Final, Literal

LEVELS: Final = ("password", "confirmed", "two-factor")
"""Weakest first; each includes those before it. ``password``: signed in, at some time in the session. ``confirmed``:
the password was typed for this very request. ``two-factor``: and a one-time code."""

Demand = Literal["", "confirmed", "two-factor"]
"""What a policy may ask for; empty: any sign-in will do."""

LEVEL_SECONDS: Final = 300
"""How long after the sign-in a level counts, where the policy names no age of its own."""


def reached(acr: str) -> list[str]:
    """Every level that a sign-in of this ``acr`` has: none, when the name is not one of ours."""
    return list(LEVELS[: LEVELS.index(acr) + 1]) if acr in LEVELS else []
