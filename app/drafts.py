"""What was typed into tools' forms when a session ended, for the same person's next sign-in. Knows no Streamlit."""

from __future__ import annotations

import json
from collections.abc import Mapping

from app.process import AppProcess

LIFETIME = 3600.0
"""Seconds for which it is kept."""

LIMIT = 400_000
"""Bytes of it; more is not kept."""

Typed = Mapping[str, str | int | float | bool]
"""Values by their widget's key."""


async def keep(process: AppProcess, sub: str, typed: Typed) -> bool:
    """Whether it was kept for this person: what is too large is not. Raises StateUnavailable."""
    data = json.dumps(typed).encode()
    if len(data) > LIMIT:
        return False
    await process.state.drafts.keep(data, iss=process.settings.issuer, sub=sub, lifetime=LIFETIME)
    return True


async def take(process: AppProcess, sub: str) -> Typed:
    """What this person had typed; it is handed out once. Raises StateUnavailable."""
    data = await process.state.drafts.take(iss=process.settings.issuer, sub=sub)
    return dict(json.loads(data)) if data is not None else {}
