"""The page about the application without a person, in English."""

from __future__ import annotations

TEXTS: dict[str, str] = {
    "application.lead": "A program has no person to sign in: it logs in to Vault by itself, and replaces each secret "
    "in good time. It runs while you look, and gives everything back when nobody does.",
    "application.well": "It holds all it needs: {count} secrets, and the token that it fetched them with.",
    "application.unwell": "{bad} of {count} could not be looked after. The reason stands with each.",
    "application.token": "Vault token",
    "application.token.rule": "renewed when four fifths of its life are gone",
    "application.token.holds": "policies {it}",
    "application.kv": "KV secret",
    "application.kv.rule": "its version is asked for every five seconds, its content only when that changed",
    "application.kv.holds": "version {it}",
    "application.dynamic": "Database user",
    "application.dynamic.rule": "replaced at ten seconds left",
    "application.dynamic.holds": "user {it}",
    "application.static": "Static database user",
    "application.static.rule": "fetched every five minutes, and when Vault has changed its password",
    "application.static.holds": "user {it}",
    "application.fresh": "fresh",
    "application.stale": "not refreshed",
    "application.failed": "not there",
    "application.waiting": "waiting",
    "application.changes": "What came in while you looked",
    "application.terminal": "The same in a terminal",
    "application.terminal.text": "Change `my-vault-app-kv/app` in Vault while it runs, and watch both see it.",
}
