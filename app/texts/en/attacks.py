"""The attacks by name: what is tried, and why it does not work; in English."""

from __future__ import annotations

_WORDS = {
    "good-token": (
        "The attacker's own token",
        "List the Jira server's tools with the token as Keycloak gave it.",
        "It is genuine, in time, and for this server: it must get through, or the refusals below would mean nothing.",
    ),
    "own-path": (
        "The attacker's own secret",
        "Read the attacker's own path in Vault.",
        "The policy opens exactly this path to exactly this person.",
    ),
    "own-query": (
        "A harmless question",
        "Ask the database for the number one.",
        "Reading is what the tool is for.",
    ),
    "alg-none": (
        "No signature at all",
        "Take the signature off and write `alg: none` into the header.",
        "The server accepts one algorithm, which it chose itself. What the token says about its algorithm is not "
        "believed.",
    ),
    "wrong-key": (
        "Signed by somebody else",
        "Write the victim's name into the token and sign it with a key of one's own, under the id of Keycloak's key.",
        "The id only says which of Keycloak's public keys to check with; that key does not fit this signature.",
    ),
    "own-key": (
        "The key brought along",
        "Put the attacker's own public key into the token's header, for checking the token with.",
        "Keys come from Keycloak's key set and from nowhere else; a key inside a token is not looked at.",
    ),
    "hs256": (
        "The public key as a password",
        "Sign with HS256 and use Keycloak's public key, which everybody may read, as the shared secret.",
        "The algorithm is fixed to RS256, so a public key is never used as a secret.",
    ),
    "tampered": (
        "The name written over",
        "Change the name and the address in a good token, and leave the signature as it was.",
        "The signature covers every character of the claims; one that changes makes it worthless.",
    ),
    "expired": (
        "An expired token",
        "Use a genuine token that lasts one second, again and again, until it is refused.",
        "Every token must say when it ends. Five seconds are allowed for clocks that differ, no more.",
    ),
    "early": (
        "Not valid yet",
        "Use a genuine token that begins in the year 2100.",
        "`nbf` is honoured: a token is good from its beginning to its end.",
    ),
    "issuer": (
        "An issuer of one's own",
        "Run an issuer, and send a token with its name, signed by its key: whole in itself.",
        "The server trusts one issuer and fetches keys from that one only, never from the one that a token names.",
    ),
    "audience": (
        "The login token itself",
        "Use the token that the app got at sign-in at the Jira server.",
        "It is not meant for any server: nobody's login token opens a tool. The app must exchange it first.",
    ),
    "id-token": (
        "The ID token",
        "Use the token that tells the app who has signed in.",
        "It is about a person and for the app. A server wants an access token, and looks which of the two it gets.",
    ),
    "other-server": (
        "A token for another server",
        "Use the GitHub server's token at the Jira server.",
        "A token names one server. If one server were broken into, the tokens it gets would open no other.",
    ),
    "in-address": (
        "The token in the address",
        "Send a good token in the URL instead of the header.",
        "Addresses end up in logs and histories; a token there is not read, so nobody gets used to putting it there.",
    ),
    "scope": (
        "More than was granted",
        "Use a token that may read in order to write a comment.",
        "Writing tools need a scope of their own; the refusal names it, so that a program can ask the person for it.",
    ),
    "login-at-vault": (
        "The login token at Vault",
        "Log in to Vault with the token of the sign-in.",
        "Vault takes only tokens whose audience is `vault`, and the login token has none of ours.",
    ),
    "other-role": (
        "A server's role",
        "Use the app's own token for Vault in the role of the Jira MCP server.",
        "A role is bound to the client that the token was made for (`azp`). Only the Jira server has such tokens.",
    ),
    "foreign-client": (
        "Another program's token",
        "Use a lab client's token for Vault, for the same person, in the app's role.",
        "The same person through another program is not the same: what opens is who and by which program.",
    ),
    "others-path": (
        "Somebody else's path",
        "Read the victim's GitHub credential with the attacker's Vault token.",
        "The policy has the person's name filled in by Vault, from the identity that logged in. The path must match.",
    ),
    "others-database": (
        "Somebody else's database user",
        "Have Vault make a database user with the victim's rights.",
        "The same template guards database roles: everybody gets users of their own role only.",
    ),
    "detour": (
        "A detour by one's own path",
        "Reach the victim's path from the attacker's own with `/../`, written `%2e%2e`.",
        "Vault refuses relative paths outright, before any policy is asked.",
    ),
    "everybody": (
        "Who else is there?",
        "List everybody who has secrets.",
        "No policy of a person lists others: even the names are not theirs to know.",
    ),
    "root-policy": (
        "A bigger token",
        "Make a new Vault token from one's own, with the policy `root`.",
        "A person's token may not make tokens, and nobody may give what they do not have.",
    ),
    "trade": (
        "Trading somebody else's token",
        "Let another client exchange a token that was meant for the Jira server.",
        "Only a client that a token is meant for may exchange it. A stolen token cannot be turned into another.",
    ),
    "callback": (
        "A sign-in that ends elsewhere",
        "Ask Keycloak to send the sign-in's code to the attacker's own site.",
        "A client's addresses are registered, and compared whole. The code goes to the app or nowhere.",
    ),
    "replay": (
        "Replay after signing out",
        "Sign in, copy the server's token, sign out, and use the copy, which is still in time.",
        "Servers keep a list of ended sessions and are told of each as it ends, by way of Keycloak's back channel. The "
        "signature is still good; the session is not.",
    ),
    "refresh": (
        "New tokens after signing out",
        "Use the refresh token of a session that was signed out.",
        "A refresh token belongs to its session, and Keycloak has ended that.",
    ),
    "vault-after": (
        "A Vault token given back",
        "Use a Vault token after it was revoked.",
        "Vault looks every token up at every request: a revoked one is gone at once, and with it all that it had made.",
    ),
    "cookie": (
        "A stolen cookie after signing out",
        "Copy the app's session cookie while it is good, sign out, and use the copy.",
        "The cookie is a random number; what it stands for lies on the server, and was deleted there.",
    ),
    "local": (
        "Verified locally",
        "A program checks the ended session's token by itself: signature, issuer, audience, times.",
        "Nothing in the token has changed, so it passes until its time is over. A token cannot know of its own "
        "end; so the MCP servers look into the list of ended sessions as well (step 3).",
    ),
    "introspection": (
        "Shown to Keycloak",
        "Another program shows the same token to Keycloak and asks whether it is active.",
        "Keycloak knows the session and says no.",
    ),
    "traversal": (
        "A path in an argument",
        "Give `../../../rest/api/3/myself` as an issue's key.",
        "Arguments have patterns, and an issue's key has no slash. What reaches the API is quoted besides.",
    ),
    "sql-write": (
        "A write dressed as a read",
        "Hide an INSERT inside a SELECT, in the tool that only reads.",
        "The database session itself is read-only. Nobody tries to tell reading from writing by looking at the text.",
    ),
    "sql-two": (
        "Two statements at once",
        "End the read-only transaction and write, behind a harmless SELECT.",
        "The protocol that is used carries one statement; the database refuses two.",
    ),
    "sql-file": (
        "Read the server's files",
        "Have the database read `/etc/passwd`.",
        "The person's database user has rights on a few tables, and none on files.",
    ),
    "sql-copy": (
        "Write a file",
        "Have the database write a table to its disk.",
        "It takes a right that nobody's database user has.",
    ),
    "sql-program": (
        "Run a program",
        "Have the database run `id`.",
        "It takes a right that nobody's database user has.",
    ),
    "sql-endless": (
        "A statement without end",
        "Catch the cancellation of one's own statement in a block of code, and go on for ten minutes at a time.",
        "A block needs the right to use its language, which no person's database user has. And whatever a statement "
        "catches, PostgreSQL ends the session of a transaction that takes too long.",
    ),
    "sql-role": (
        "Become the superuser",
        "Change to the role `postgres`.",
        "A role may be changed to only by its members.",
    ),
    "log-line": (
        "A false line in the log",
        "Make the database repeat a value that clears a terminal's screen and goes on as a line of the server's log.",
        "Whatever comes from outside is cut, masked and escaped before it is logged or printed: one event stays one "
        "line, and no character of it is obeyed.",
    ),
    "forwarded": (
        "A forwarded login link",
        "Send a chatbot's login link and its code to somebody who is signed in, and let them type the code.",
        "A token that lasts for months is given only after the password was typed for this very request, and the "
        "person agreed on Keycloak's page; the link's page says whose chat it is.",
    ),
    "account-link": (
        "A forwarded link",
        "Open the link that somebody else's tool call got for connecting an account, and agree to it.",
        "A link is good for the person whose call it was, and for nobody else. Otherwise the sender's tools would work "
        "with the account of whoever was talked into it.",
    ),
    "account-answer": (
        "An account of the attacker's, with a stolen `state`",
        "Begin to connect an account, and have somebody else's browser open the provider's answer, its `state` right.",
        "What the app must remember lies sealed in the browser that began, and holds whose session it was. Otherwise "
        "the victim's tools would work with the attacker's account, and show what they do.",
    ),
    "account-code": (
        "A stolen code",
        "Bring the code that the provider sent for somebody else's request in the answer to a request of one's own.",
        "The provider keeps the challenge that came with each request (PKCE), and gives tokens for a code only to who "
        "has that request's secret. It never leaves the app.",
    ),
    "account-mix-up": (
        "One provider's answer for another's",
        "Bring an answer for Jira to the address where GitHub's are taken.",
        "Each provider has an address of its own, and an answer is taken only where it was asked for: no code is sent "
        "to another provider.",
    ),
    "account-issuer": (
        "An answer of another issuer",
        "Add `iss=http://evil.example` to the answer.",
        "Who names an issuer must name the one that was asked.",
    ),
    "account-refresh": (
        "A copied refresh token",
        "Use a refresh token that its owner's program has used before. The lab connects an account of its own for it.",
        "Each is good once. The mock Atlassian ends the whole grant when one comes back, for it cannot tell which of "
        "the two is the thief; the person connects again. GitHub refuses it and leaves the rest.",
    ),
    "account-read": (
        "The tokens of a connected account",
        "Read what was granted at Jira with the app's own login at Vault, which opens all else that is this person's.",
        "The path of connected accounts is denied to the app's login. The app writes a grant in a role that reads "
        "none, and the MCP server alone reads it.",
    ),
    "host": (
        "DNS rebinding: the host",
        "Send a good token under the host name `evil.example`, as a browser would after that name was pointed here.",
        "Servers know their own names, and answer to no other.",
    ),
    "host-vault": (
        "DNS rebinding: Vault",
        "Read a secret with a good Vault token, under the host name `evil.example`.",
        "Vault itself answers to any name. A check in front of it answers to this machine's own, and Vault listens "
        "where no browser can speak to it.",
    ),
    "host-keycloak": (
        "DNS rebinding: Keycloak",
        "Ask Keycloak who a good token stands for, under the host name `evil.example`.",
        "Keycloak itself answers to any name, even with a strict hostname. The same check stands in front of it.",
    ),
    "origin": (
        "DNS rebinding: the origin",
        "Call the server from a page of `evil.example`.",
        "A browser says whose page is calling; pages that are not known are refused, with whatever token.",
    ),
    "oversized": (
        "An oversized request",
        "Send 1.2 MB.",
        "The size is looked at before anything is read into memory.",
    ),
    "sign-out": (
        "Signed out by another site",
        "Let a page of `evil.example` press the sign-out button.",
        "The app takes this from its own pages only; the browser says where a form came from.",
    ),
    "socket": (
        "A web socket from next door",
        "Open the app's web socket from a page on another port of this host, to which browsers send the cookie.",
        "Cookies know no ports, so the app compares the whole origin.",
    ),
}

TEXTS: dict[str, str] = {
    f"attack.{name}.{part}": text
    for name, words in _WORDS.items()
    for part, text in zip(("title", "tried", "why"), words, strict=True)
}
