"""Sharing a trace with the room and comparing two, in English."""

from __future__ import annotations

TEXTS: dict[str, str] = {
    "share.toggle": "Share with the room",
    "share.help": "While this is on, people who share the same call see your trace and its result, masked, and you see "
    "theirs. It ends when you switch it off or sign out, and after {minutes} minutes.",
    "share.alone": "Shared until {until}. Nobody else shares this call yet; whoever does appears here by themselves.",
    "share.until": "Shared until {until}.",
    "share.with": "Compare with",
    "share.beside": "{mine} beside {theirs}",
    "share.people": "Who each server takes you for",
    "share.result": "Result",
    "share.rows": "Rows",
    "share.steps": "Steps",
    "share.claims": "Claims of the login token",
    "share.count": "{differing} of {count} differ",
    "share.what": "What",
    "share.verdict": "Same?",
    "share.same": "same",
    "share.differs": "differs",
    "share.whose": "Whose",
    "share.both": "both",
    "share.only": "only {username}",
}
