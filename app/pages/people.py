"""People: for the facilitator, who is signed in, what is held for them, and the switch of every MCP server."""

from __future__ import annotations

from app.texts import t
from app.view import room_view, visitor

visitor.head(t("room.title"), t("room.lead"), back_to=visitor.here("/people"))
room_view.show(visitor.needed())
