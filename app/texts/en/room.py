"""The facilitator's page, in English."""

from __future__ import annotations

TEXTS: dict[str, str] = {
    "nav.people": "People",
    "nav.people.help": "For the facilitator: who is signed in, what is held for them, and a switch for each "
    "MCP server.",
    "room.title": "People",
    "room.lead": "**Who is here, and what is held for them?** "
    "Who is signed in, which Vault tokens are held for them and until when, and a switch that "
    "stops an MCP server for everybody at once.",
    "room.only": "This page is for the facilitator.",
    "room.only.fix": "Sign in as somebody with the realm role `facilitator`; in the demo that is charlie.",
    "room.servers": "MCP servers",
    "room.people": "Signed in ({count})",
    "room.serving": "serving",
    "room.stopped": "suspended",
    "room.since": "Since {when}.",
    "room.held": "Vault tokens held: {count}",
    "room.suspend": "Suspend",
    "room.suspend.now": "Suspend for everybody",
    "room.resume": "Let it serve again",
    "room.reason": "Reason",
    "room.reason.help": "Everybody who is refused reads it.",
    "room.you": "you",
    "room.token": "{server}, {left} left",
    "room.nothing": "Nothing is held.",
    "room.end": "End session",
}
