"""Connected accounts, in English."""

from __future__ import annotations

TEXTS: dict[str, str] = {
    "nav.connect-account": "Connect an account",
    "nav.connect-account.help": "Let a tool use your own account at a provider.",
    "accounts.title": "Connect an account?",
    "accounts.lead": "**May a tool use my own account?** You agree at the provider's own page. What it gives goes to "
    "your own path in Vault, which only this server may read for you; no program and no model sees it.",
    "accounts.heading": "Connected accounts",
    "accounts.used-by": "used by the {server} MCP server where nothing is stored for you",
    "accounts.state.none": "not connected",
    "accounts.state.on": "connected",
    "accounts.state.over": "ended by the provider",
    "accounts.fact.account": "as",
    "accounts.fact.scopes": "may",
    "accounts.fact.rights": "what the app is allowed at the provider",
    "accounts.fact.since": "since",
    "accounts.fact.until": "until, unless it is used",
    "accounts.fact.for": "For",
    "accounts.fact.server": "MCP server",
    "accounts.fact.tool": "Tool",
    "accounts.fact.client": "Asked by",
    "accounts.connect": "Connect {title}",
    "accounts.reconnect": "Connect {title} again",
    "accounts.disconnect": "Disconnect",
    "accounts.manage": "What {title} shows you",
    "accounts.over": "{title} does not honour it any more: it was revoked there, or its time is over.",
    "accounts.now": "{title} is connected: your tools work with the account that you signed in to there.",
    "accounts.denied": "You denied it at {title}: nothing was connected.",
    "accounts.done": "{title} is connected for {username}. Go back to your program: the call goes on, or make it "
    "again.",
    "accounts.gone": "Disconnected: {title} has ended it, and Vault has destroyed every version.",
    "accounts.gone-here": "Vault has destroyed every version. {title} could not be told: {why} End it there yourself.",
    "accounts.no-id": "A link from a tool leads here. Your connected accounts are on the page My secrets.",
    "accounts.unknown": "No accounts of that kind can be connected here.",
    "accounts.unknown.fix": "The page My secrets lists those that can.",
    "accounts.link-gone": "This link cannot be used: it is another person's, was used already, or is too old.",
    "accounts.link-gone.fix": "Make the call again in your program, and open the new link as the same person.",
    "accounts.failed": "The account was not connected",
    "accounts.answer-unknown": "This answer of a provider's was used before, or belongs to nothing that this browser "
    "began.",
    "accounts.answer-unknown.fix": "See the page My secrets: if the account is not connected there, begin anew.",
    "accounts.refused": "The provider refused ({error}).",
    "card.connected": "connected account",
    "card.connected.when": "connected as {account}",
    "card.connected.about": "The person agreed at the provider. The access token is refreshed before it ends.",
}
