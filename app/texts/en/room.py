"""The facilitator's page, in English."""

from __future__ import annotations

TEXTS: dict[str, str] = {
    "nav.people": "People",
    "nav.people.help": "For the facilitator: who is signed in, what is held for them, and switches for "
    "MCP servers, people and clients.",
    "room.title": "People",
    "room.lead": "**Who is here, and what is held for them?** "
    "Who is signed in, which Vault tokens are held for them and until when, and switches that "
    "stop an MCP server for everybody, or a person or a client everywhere.",
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
    "room.clients": "Clients that call for people",
    "room.suspended": "Suspended everywhere",
    "room.suspend.person": "Every server, this app and the login relay refuse {name}, and what is held for "
    "them is revoked.",
    "room.suspend.client": "Every call with {name} is refused, for everybody, and what is held for such calls "
    "is revoked.",
    "room.suspend.everywhere": "Suspend everywhere",
    "room.resume.principal": "Lift the suspension",
    "room.kind.person": "person",
    "room.kind.client": "client",
    "room.since-by": "Since {when}, by {by}.",
    "room.revoked": "{name} is suspended. Vault tokens revoked, with their leases: {revoked} of {held}. Open "
    "questions, links and shared traces that ended: {waiting}. The session at Keycloak goes on; it "
    "opens nothing here.",
    "room.revoked.not": "{name} is suspended. Vault tokens revoked, with their leases: {revoked} of {held}; {left} are "
    "not yet: nobody can use them here, and the app goes on trying. Open questions, links and shared "
    "traces that ended: {waiting}.",
    "room.not-that": "You cannot suspend yourself, nor this app.",
    "room.not-that.fix": "On the machine where it runs, `./demo person suspend` and `./demo client suspend` can.",
}
