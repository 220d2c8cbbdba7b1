"""The Login relay page, in English."""

from __future__ import annotations

TEXTS: dict[str, str] = {
    "nav.relay": "Login relay",
    "nav.relay.help": "A chatbot without a browser gets its user's own sign-in",
    "action.relay": "Login by link from a chat",
    "relay.title": "Login relay",
    "relay.lead": "**How does a chatbot act as me, when it has no browser?** "
    "A chatbot has no browser to sign you in with. It sends you a link: you sign in at Keycloak's own"
    " page, and the chatbot gets a token of yours, which it keeps in Vault.",
    "relay.linked": "The demo chatbot acts as {username} since {since}.",
    "relay.ended": "The chatbot needs a new sign-in.",
    "relay.nobody": "Nobody is signed in for your chat yet: the chatbot can do nothing in your name.",
    "relay.failed": "The last login did not work.",
    "relay.get.lead": "In the chat you write *sign me in*, and the chatbot asks the relay for a link:",
    "relay.get": "Get a login link",
    "relay.chat-says": "The chatbot writes in your chat",
    "relay.chat-text": "Open this link in your browser, and type this code there:",
    "relay.code": "Your code",
    "relay.open": "Open the link",
    "relay.warn": "The link is good once. Without the code, which only your chat shows, it binds nothing: whoever is"
    " sent somebody else's link cannot be signed in to somebody else's chat.",
    "relay.ask": "Ask the chatbot",
    "relay.ask.label": "Show me this Jira issue",
    "relay.ask.do": "Send",
    "relay.holds": "What the chatbot holds",
    "relay.offline-token": "Offline token",
    "relay.vault-path": "Kept in Vault, version {version}: {path}",
    "relay.refreshed-at": "Last refresh",
    "relay.access-token": "Access token",
    "relay.refresh": "Refresh now",
    "relay.revoke": "Revoke at Keycloak",
    "relay.revoke.help": "Ends the offline session at Keycloak. The chatbot is not told: it finds out when it"
    " refreshes.",
    "relay.refreshed": "The chatbot has a new access token, and Vault the newest offline token.",
    "relay.revoked": "The offline session is over at Keycloak. Refresh now, and the chatbot finds out.",
    "relay.trace.none": "The steps appear here as they happen.",
    "relay.away": "The chatbot does not answer.",
    "relay.away.fix": "`./demo status` says whether it is up, `./demo logs chatbot` why not.",
    "relay.refused": "The chatbot refused.",
    "relay.qr": "The same link, for a phone",
    "relay.qr.local": "The same link. A phone can open it once the relay has an address beyond this machine.",
    "relay.signing-in": "The link is used. Sign in at Keycloak in the other tab: this page follows.",
    "relay.expired": "The last link's time is over. Get a new one.",
    "relay.get.again": "Sign in again, or as somebody else",
    "relay.trace.of": "{action} · correlation id `{id}`",
}
