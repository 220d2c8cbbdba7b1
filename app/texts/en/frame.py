"""What surrounds every page, in English."""

from __future__ import annotations

TEXTS: dict[str, str] = {
    "app.title": "MCP Remote Vault",
    "nav.group.use": "Use",
    "nav.group.look": "Look inside",
    "nav.group.attack": "Attack",
    "nav.group.learn": "Workshop and programs",
    "nav.home": "Home",
    "nav.home.help": "What this is, who you are, and whether every part is up.",
    "nav.tools": "MCP tools",
    "nav.tools.help": "Load the tools of remote MCP servers, run them as yourself, and see how that works.",
    "nav.watch": "Watch one call",
    "nav.watch.help": "The same tool called by two people, step by step: what decides at each.",
    "nav.agents": "Agents",
    "nav.agents.help": "Programs with certificates of their own: get a token by mutual TLS, use it, revoke it.",
    "account.sign-in": "Sign in",
    "account.sign-out": "Sign out",
    "account.signed-in": "Signed in as {username}",
    "account.language": "Language",
    "session.ended": "Your session has ended. Sign in again.",
    "session.needed": "Sign in to use this page.",
    "host.wrong": "Open this app at {address}. The address that you typed is another name for this machine, or "
    "somebody else's, and is not answered.",
    "error.unexpected": "Something went wrong in the app. Reload the page; `./demo logs app` says more.",
}
