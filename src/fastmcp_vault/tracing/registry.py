"""The one registry of steps: the recorder, the diagram, the docs and the tests all read it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Party = Literal["browser", "app", "chatbot", "relay", "keycloak", "mcp", "vault", "backend"]
"""A lifeline of the diagram. ``mcp`` and ``backend`` are named by the step's server."""


@dataclass(frozen=True, slots=True)
class StepKind:
    """One kind of step: its place in the seven numbered steps, who speaks to whom, and what to say about it."""

    id: str
    number: int
    source: Party
    target: Party
    title: str
    why: str
    standard: str
    hint: str


_KINDS = (
    StepKind(
        "login",
        1,
        "app",
        "keycloak",
        "Sign in at Keycloak",
        "The password is typed into Keycloak's own page. The app receives a one-use code and redeems it"
        " together with a proof (PKCE) that it is the program that asked.",
        "OAuth 2.0 authorization code (RFC 6749 §4.1) with PKCE S256 (RFC 7636)",
        "Sign out and sign in again; if it stays, check that Keycloak is up.",
    ),
    StepKind(
        "jwt",
        2,
        "app",
        "app",
        "Check the access token",
        "Signature, issuer and times are verified with Keycloak's public keys; the claims say who the person is.",
        "JSON Web Token (RFC 7519 §7.2), JWT access tokens (RFC 9068 §4)",
        "An expired or foreign token: sign in again.",
    ),
    StepKind(
        "server-token",
        3,
        "app",
        "keycloak",
        "Get a token for this one server",
        "The login token opens no tool. The app exchanges it for one whose only audience is this MCP server.",
        "OAuth 2.0 Token Exchange (RFC 8693 §2.1), Resource audience (RFC 8707 §2)",
        "The session may have ended at Keycloak: sign in again.",
    ),
    StepKind(
        "mcp-request",
        3,
        "app",
        "mcp",
        "Call the MCP server",
        "The request carries the token meant for this server, and only that one.",
        "MCP 2026-07-28, Streamable HTTP transport",
        "Check that the server is up; its log says why not.",
    ),
    StepKind(
        "bearer-check",
        3,
        "mcp",
        "mcp",
        "The server checks who calls",
        "Signature, issuer, expiry, audience (this server and no other), scope, and that the session has not ended.",
        "MCP 2026-07-28, Authorization; RFC 6750 §3.1; RFC 9728",
        "The token is for another server, expired, or its session has ended: sign in again.",
    ),
    StepKind(
        "token-exchange",
        4,
        "mcp",
        "keycloak",
        "Exchange the token for Vault",
        "The person's token is never passed on. The server trades it, under its own name,"
        " for one that only Vault accepts.",
        "OAuth 2.0 Token Exchange (RFC 8693 §2.1)",
        "Keycloak refuses when the session has ended or the token was not meant for this server.",
    ),
    StepKind(
        "person-exchange",
        4,
        "app",
        "keycloak",
        "Exchange the login token for Vault",
        "The login token opens nothing at Vault either. The app trades it for one whose only audience is `vault`.",
        "OAuth 2.0 Token Exchange (RFC 8693 §2.1)",
        "The session may have ended at Keycloak: sign in again.",
    ),
    StepKind(
        "vault-login",
        5,
        "mcp",
        "vault",
        "Log in to Vault as this person, through this server",
        "Vault checks the signature itself and that the audience is `vault` and `azp` is this server;"
        " the token it gives opens what this person and this server may both open.",
        "Vault JWT auth method (auth/jwt/login)",
        "Role, audience and `azp` must fit.",
    ),
    StepKind(
        "person-login",
        5,
        "app",
        "vault",
        "Log in to Vault as this person",
        "The role for people lets the app in as the person who is signed in, for what is that person's own.",
        "Vault JWT auth method (auth/jwt/login)",
        "Role, audience and `azp` must fit.",
    ),
    StepKind(
        "person-entity",
        5,
        "app",
        "vault",
        "Find the person's entity",
        "The `sub` claim is an alias of one entity, of whose name the policy for people speaks.",
        "Vault identity (entities and aliases); auth/token/lookup-self",
        "An entity that nobody provisioned opens nothing: provision the person first.",
    ),
    StepKind(
        "entity",
        5,
        "mcp",
        "vault",
        "Find the entity of this user id",
        "The `sub` claim is an alias of one entity, made before anyone signed in."
        " Policies speak of that entity's name.",
        "Vault identity (entities and aliases); auth/token/lookup-self",
        "An entity that nobody provisioned opens nothing: provision the person first.",
    ),
    StepKind(
        "credential",
        6,
        "mcp",
        "vault",
        "Read this person's credential",
        "The path holds the entity's name, filled in by Vault: another person's path is refused by policy.",
        "Vault KV v2 (secret/data/…) and database (database/creds/…) engines, templated policies",
        "No credential at the path: an administrator adds it there.",
    ),
    StepKind(
        "credential-check",
        6,
        "mcp",
        "vault",
        "Ask whether what is kept still holds",
        "What is kept is used only as long as Vault confirms it every few seconds: a changed or removed credential,"
        " or an ended login, is noticed before it is used.",
        "Vault KV v2 (secret/metadata/…), auth/token/lookup-self",
        "Where it holds no more, everything is done anew; where Vault is down, it is used until it ends.",
    ),
    StepKind(
        "account-refresh",
        6,
        "mcp",
        "backend",
        "Refresh the person's access token",
        "The access token of the account that the person connected lives for hours at most. One replica at a time"
        " trades the refresh token, which is good once, for new ones, and writes them to the person's path in Vault.",
        "Refreshing an access token (RFC 6749 §6), rotation (RFC 9700 §4.14.2)",
        "The provider may have ended the connection: the person connects the account again.",
    ),
    StepKind(
        "agent-certificate",
        6,
        "app",
        "vault",
        "Get a certificate for the agent",
        "The key is made here and stays here. Vault signs a certificate for it, and fills in whose agent it is itself:"
        " nobody gets one for another person's agent.",
        "X.509 (RFC 5280); Vault PKI engine (pki/sign/:role)",
        "The person may have agents of the names that the role lists only.",
    ),
    StepKind(
        "own-secret",
        6,
        "app",
        "vault",
        "Read what is the person's own",
        "The policy for people holds the entity's name, filled in by Vault: it opens this person's paths,"
        " and everybody else's stay shut.",
        "Vault KV v2 (secret/data/…) and database (database/creds/…) engines, templated policies",
        "An administrator gives the person what the policy lacks.",
    ),
    StepKind(
        "mutual-tls",
        6,
        "app",
        "mcp",
        "Prove both certificates in the TLS handshake",
        "The server and the agent show their certificates and prove that they hold the keys. No secret is sent.",
        "TLS 1.3 (RFC 8446 §4.4.2); OAuth mutual TLS (RFC 8705 §2)",
        "An expired, foreign or self-made certificate ends here: get a new one.",
    ),
    StepKind(
        "agent-token",
        6,
        "app",
        "mcp",
        "Trade the certificate for a token",
        "The certificate says which agent this is and which scopes it may have. The token is bound to it:"
        " `cnf` holds the certificate's fingerprint.",
        "OAuth 2.0 client credentials (RFC 6749 §4.4), bound tokens (RFC 8705 §3)",
        "A revoked certificate or a scope beyond it is refused here.",
    ),
    StepKind(
        "approval-question",
        7,
        "mcp",
        "browser",
        "Ask the person first",
        "The tool changes something. Who is signed in is shown what will be done and with which credential;"
        " until they say yes, nothing goes to the back end.",
        "MCP 2026-07-28, Elicitation and multi-round-trip requests (SEP-2322)",
        "An answer is awaited for a few minutes; after that, call the tool again.",
    ),
    StepKind(
        "approval",
        7,
        "browser",
        "mcp",
        "The person's answer, good once",
        "The yes is bound to this person, session, tool and these very arguments, and is spent before the call goes on:"
        " sent again, from anywhere, it opens nothing.",
        "MCP 2026-07-28, Elicitation; OWASP Agentic Top 10 2026 (human in the loop)",
        "Refused, expired, used or given for something else: nothing was changed. Call the tool again to be asked.",
    ),
    StepKind(
        "backend",
        7,
        "mcp",
        "backend",
        "Call the back end as this person",
        "The back end sees this person's own credential and applies this person's own rights.",
        "Jira REST v3 · GitHub REST · PostgreSQL",
        "The back end refused or did not answer; its own words are in the step.",
    ),
    StepKind(
        "own-database",
        7,
        "app",
        "backend",
        "Connect as the database user",
        "The database checks the name and the password that Vault made, and applies the rights of that one user.",
        "PostgreSQL password authentication (SCRAM-SHA-256, RFC 5802)",
        "A user whose lease or login has ended is dropped: make a new one.",
    ),
    StepKind(
        "mutual-tls-call",
        7,
        "app",
        "backend",
        "Prove the certificate to the business service",
        "The token is bound to a certificate; on this connection its holder proves to have the key to it.",
        "TLS 1.3 (RFC 8446 §4.4.2); OAuth mutual TLS (RFC 8705 §3)",
        "Without the certificate a stolen token opens nothing here.",
    ),
    StepKind(
        "agent-call",
        7,
        "app",
        "backend",
        "Call the business service as the agent",
        "Signature, issuer, audience, time, revocation, then the certificate on this very connection, then the scope:"
        " the refusal names the one that failed.",
        "OAuth 2.0 bearer tokens (RFC 6750 §3.1), bound tokens (RFC 8705 §3)",
        "The refusal names its cause; a new token helps against an expired or revoked one.",
    ),
    StepKind(
        "agent-revoke",
        7,
        "app",
        "mcp",
        "Revoke the token",
        "The auth server makes the revocation known to every replica: the next request with this token is refused.",
        "OAuth 2.0 token revocation (RFC 7009 §2)",
        "Only the agent that a token was issued to may revoke it.",
    ),
)

_RELAY_KINDS = (
    StepKind(
        "relay-link",
        1,
        "chatbot",
        "relay",
        "Ask for a login link",
        "A chatbot has no browser of its own. It asks the relay for a link that is bound to one of its users, one"
        " callback and one address to go to afterwards; the request is signed with the chatbot's own secret.",
        "JWT (RFC 7519) signed with HS256, one use; HMAC-SHA256 (RFC 2104)",
        "The chatbot and its addresses must be registered in the relay's `clients.json`.",
    ),
    StepKind(
        "relay-code",
        2,
        "browser",
        "relay",
        "Type the code that the chat shows",
        "Whoever was sent somebody else's link has not seen that chat's code: a forwarded link binds nothing.",
        "OAuth 2.0 security: RFC 9700 §4.7, RFC 8628 §5.4",
        "Ask the chatbot for a new link; each is good once and for a few minutes.",
    ),
    StepKind(
        "relay-redeem",
        3,
        "relay",
        "keycloak",
        "Redeem the code for an offline token",
        "The person signed in at Keycloak's own page. The relay checks state, browser and nonce, and redeems the"
        " one-use code with its proof (PKCE); the scope `offline_access` makes the refresh token outlive the session.",
        "OAuth 2.0 authorization code (RFC 6749 §4.1), PKCE (RFC 7636), OpenID Connect Core §3.1.3.7 and §11",
        "Keycloak must be up, and the client must be allowed `offline_access`.",
    ),
    StepKind(
        "relay-callback",
        4,
        "relay",
        "chatbot",
        "Hand the tokens over, signed",
        "Sent to the callback that the chatbot registered and nowhere else; redirects are not followed.",
        "HMAC-SHA256 over canonical JSON; see docs/CHATBOT.md",
        "The chatbot did not take them; its log says why.",
    ),
    StepKind(
        "chat-verify",
        4,
        "chatbot",
        "chatbot",
        "Check signature, clock and nonce",
        "A message that is altered, too old or sent twice is refused before it is read.",
        "HMAC-SHA256 (RFC 2104), compared in constant time",
        "Both sides must hold the same secret, and their clocks must agree within a minute.",
    ),
    StepKind(
        "chat-store",
        5,
        "chatbot",
        "vault",
        "Keep the offline token in Vault",
        "The chatbot logs in to Vault as itself (AppRole) and keeps nothing on its own disk: after a restart the"
        " token is still there.",
        "Vault AppRole login; KV v2 with check-and-set",
        "Vault must be up, and the chatbot's role must allow the path.",
    ),
    StepKind(
        "chat-secret",
        6,
        "chatbot",
        "vault",
        "Read the chatbot's own secret",
        "The secret by which Keycloak knows the chatbot lies in Vault too; it is read when needed and kept nowhere.",
        "Vault KV v2 (secret/data/services/…)",
        "Vault must be up, and the chatbot's role must allow the path.",
    ),
    StepKind(
        "chat-refresh",
        6,
        "chatbot",
        "keycloak",
        "Refresh the access token",
        "Done a minute before it expires, or when a server answers 401;"
        " a new refresh token replaces the old one in Vault.",
        "OAuth 2.0 refresh (RFC 6749 §6), rotation (RFC 9700 §2.2.2)",
        "`invalid_grant`: the offline session is over, and the person must sign in again.",
    ),
    StepKind(
        "chat-exchange",
        7,
        "chatbot",
        "keycloak",
        "Get a token for this one server",
        "The chatbot's own token opens no tool: it is exchanged for one whose only audience is this MCP server.",
        "OAuth 2.0 Token Exchange (RFC 8693 §2.1)",
        "The offline session may be over: sign in again from the chat.",
    ),
    StepKind(
        "chat-tool",
        7,
        "chatbot",
        "mcp",
        "Call the tool as this person",
        "From here on everything is as for the app: the server exchanges the token, logs in to Vault and reads this"
        " person's own credential.",
        "MCP 2026-07-28, Streamable HTTP transport",
        "Check that the server is up.",
    ),
)

STEPS: dict[str, StepKind] = {kind.id: kind for kind in (*_KINDS, *_RELAY_KINDS)}
"""Every kind of step by its id, in the order in which they happen."""
