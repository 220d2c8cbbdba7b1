"""Approving a change, in English."""

from __future__ import annotations

TEXTS: dict[str, str] = {
    "nav.approve": "Approve",
    "nav.approve.help": "What a tool is about to change in your name, and your yes or no.",
    "approve.title": "Approve a change?",
    "approve.lead": "**Shall this be done in my name?** "
    "A tool is about to change something in your name. Nothing has been "
    "sent yet, and nothing is sent without your yes.",
    "approve.call": "{tool} at {server}",
    "approve.until": "until {time}",
    "approve.once": "good once, until {time}",
    "approve.fact.what": "What",
    "approve.fact.who": "As",
    "approve.fact.client": "Asked by",
    "approve.client-name": "“{name}”, a name that this program chose itself",
    "approve.fact.credential": "With your credential",
    "approve.fact.held": "Credential holds",
    "approve.fact.expires": "Your yes is",
    "approve.fact.arguments": "Exactly these arguments:",
    "approve.elsewhere": "This server takes a yes only after another sign-in, on a page of its own. "
    "Your arguments stay here.",
    "approve.go": "Sign in again and answer",
    "approve.go-on": "I have said yes: go on",
    "approve.yes": "Yes, do it",
    "approve.no": "No",
    "approve.waits": "{tool} waits for your yes. Nothing has been changed.",
    "approve.open": "Look and answer",
    "approve.no-id": "A link from a tool leads here. There is nothing to approve now.",
    "approve.fresh": "This server takes a yes only within {seconds} seconds of "
    "signing in. Sign in again as {username}.",
    "approve.level": "This server takes a yes only from a stronger sign-in: {level}. "
    "Keycloak will ask {username} for it.",
    "approve.level.confirmed": "your password, typed anew for it",
    "approve.level.two-factor": "your password, typed anew for it, and a one-time code",
    "approve.sign-in": "Sign in again",
    "approve.is.approved": "You said yes to {tool}. Make the same call again in your program, "
    "with the same arguments: it goes through once.",
    "approve.is.refused": "You said no to {tool}. Nothing was changed.",
    "approve.is.used": "{tool} was approved and has run. The approval is used up.",
    "approve.is.expired": "The time to approve {tool} is over. Nothing was changed; "
    "make the call again to be asked again.",
    "approve.gone": "There is nothing here that you can answer: it is expired, answered, or another person's.",
    "approve.gone.fix": "Make the call again in your program, and open the new link.",
    "verdict.asked": "{tool} at {server} waits for {username}'s yes; nothing has been changed.",
}
