"""The pages of the sign-in routes, in English."""

from __future__ import annotations

TEXTS: dict[str, str] = {
    "page.back": "Back to the app",
    "page.again": "Sign in again",
    "page.login-failed": "The sign-in did not work",
    "page.logout-failed": "You could not be signed out",
    "login.cancelled": "The sign-in was cancelled.",
    "login.cancelled.fix": "Start it again when you like.",
    "login.refused": "Keycloak ended the sign-in with the error “{error}”.",
    "login.refused.fix": "Sign in again; if it stays, `./demo logs keycloak` says more.",
    "login.level": "Keycloak signed you in at the level “{given}”, and “{demanded}” was demanded. "
    "Nothing was approved.",
    "login.level.fix": "Open the request again and start the sign-in anew; "
    "if it stays, ask whoever looks after Keycloak.",
    "login.unknown": "This sign-in was not started in this browser, was already used, or took longer than ten minutes.",
    "login.unknown.fix": "Start it again from the app.",
    "logout.refused": "The request to sign out did not come from this app.",
    "logout.refused.fix": "Use the button in the app.",
    "logout.use-button": "Signing out needs the button in the app.",
    "logout.use-button.fix": "A link alone must not be able to sign you out.",
}
