"""What each step checked and what came out, in English; values stand between backticks."""

from __future__ import annotations

TEXTS: dict[str, str] = {
    "reason.login.checked": "{by} checked the password on its own page, then the one-use code against the PKCE proof "
    "(`{method}`).",
    "reason.login.out": "the login token, an ID token and a refresh token, all for the app, and a session until "
    "{until}, longer while it is used.",
    "reason.jwt.checked": "{by} checked the login token: the signature, `iss` = `{iss}`, `azp` = `{azp}`, and the "
    "time.",
    "reason.jwt.out": "{username} is user `{sub}` (`sub`); the token is good until {exp}.",
    "reason.server-token.checked": "{by} checked the login token, and that `{azp}` may exchange it for `{aud}`.",
    "reason.server-token.out": "a token that only `{aud}` accepts, for `{scope}`, {life}.",
    "reason.mcp-request.checked": "The app sent the token for `{audience}`, and no other.",
    "reason.mcp-request.out": "the answer, HTTP {status} after {life} ms; the steps below happened before it.",
    "reason.bearer-check.checked": "{by} checked the signature, `aud` = `{aud}` (itself), `iss` = `{iss}`, the kind of "
    "token, the time, that the scope `{scope}` holds `{demanded}`, and that the session is not in the list of ended "
    "sessions: the app writes each sign-out into it, and every server hears of it at once.",
    "reason.bearer-check.out": "the caller is {username}, user `{sub}`.",
    "reason.token-exchange.checked": "{by} checked: `{azp}` may exchange a token meant for it (`aud` = `{received}`).",
    "reason.token-exchange.out": "a token for `{aud}` only, {life}.",
    "reason.token-exchange.stops": "The received token (for `{received}`) stops here. It is not passed on; from here a "
    "new one is used.",
    "reason.person-exchange.checked": "{by} checked the login token, and that `{azp}` may exchange it.",
    "reason.person-exchange.out": "a token for `{aud}` only, {life}.",
    "reason.vault-login.checked": "{by} checked the signature itself, issuer and time, and `aud` = `{aud}` and `azp` = "
    "`{azp}`: its role `{role}` demands both.",
    "reason.vault-login.out": "a Vault token with the policies {policies}, {life} unless renewed.",
    "reason.person-login.checked": "{by} checked the signature itself, `aud` = `{aud}` and `azp` = `{azp}`.",
    "reason.person-login.out": "a Vault token with the policies {policies}, {life} unless renewed.",
    "reason.entity.checked": "{by} looked up at the login whose alias the user id `{user_id}` is (the claim `sub`), "
    "and now tells who that is.",
    "reason.entity.out": "entity `{entity_id}`, named `{entity}`. An entity is Vault's record of one person.",
    "reason.person-entity.checked": "{by} looked up at the login whose alias the user id `{user_id}` is (the claim "
    "`sub`), and now tells who that is.",
    "reason.person-entity.out": "entity `{entity_id}`, named `{entity}`. An entity is Vault's record of one person.",
    "reason.credential.checked": "{by} checked that the policy opens `{path}` to the entity `{entity}`.",
    "reason.credential.out": "{came}.",
    "reason.credential.empty": "{by} checked that the policy opens `{path}` to the entity `{entity}`: it does, and "
    "nothing is stored there (404). Somebody else's path is refused instead (403).",
    "reason.credential.connected": "an access token for the account `{account}`, which this person connected; written "
    "{at}, and refreshed before it ends",
    "reason.credential.stored": "a stored secret, version {version}, written {written}; it stays until somebody "
    "changes it, and the server keeps it as long as its login at Vault",
    "reason.credential.made": "a PostgreSQL user `{user}`, made for this person {at}, dropped {until} unless renewed",
    "reason.credential-check.out": "{came}.",
    "reason.credential-check.holds": "the login lives, and what was made or read with it is still the newest",
    "reason.credential-check.changed": "there is something newer, which is fetched now",
    "reason.backend.checked": "{by} checked this person's own credential (`{who}`) and this person's own rights.",
    "reason.backend.out": "{came}.",
    "reason.backend.http": "its answer, HTTP {status}",
    "reason.backend.rows": "its answer, {rows} rows",
    "skipped.failed": "not reached, because step {number} failed: {title}",
    "skipped.asked": "not reached: the person is asked first",
    "skipped.refused": "not reached: the call was refused before",
    "skipped.silent": "not needed: whose credential is used was the question, and the answer needs no back end",
    "kept.since": "kept since {since}",
    "kept.until": "until {until}",
    "kept.login": "Ends with sign-out. The token of this session is checked again at step 2, every time.",
    "kept.server-token": "Ends with sign-out. The server checks it again at step 3, on every call.",
    "kept.token-exchange": "Not needed while the Vault login made with it lives.",
    "kept.vault-login": "Ends with sign-out, too. Vault checks it again whenever the server asks for anything with it.",
    "kept.entity": "Known as long as the Vault login.",
    "kept.credential": "Ends with sign-out, too, or when somebody changes it in Vault. The back end checks it again at "
    "step 7.",
    "kept.person-exchange": "Not needed while the Vault login made with it lives.",
    "kept.person-login": "Ends with sign-out, too. Vault checks it again on every request.",
    "kept.person-entity": "Known as long as the Vault login.",
    "kept.ahead": "Made ahead, when a client listed the tools.",
    "kept.confirmed": "Last confirmed with Vault {at}; asked again before that is {every} s old.",
    "reason.reuse.title": "Why it is safe to use again what was kept, and until when",
    "reason.reuse.whose": "It is nobody else's: {by} keeps it for the user `{sub}` ({username}) in the sign-in "
    "`{sid}`, and finds it by these two ids in the token that was sent with this call.",
    "reason.reuse.checked": "That token was checked anew in this call (step 3), as in every call.",
    "reason.reuse.stored": "Vault confirmed {at} that version {version} is still the newest. It is asked again before "
    "that is {every:.0f} s old, in a call (6a) or beside one, so what an administrator changes or takes away in Vault "
    "is noticed by then.",
    "reason.reuse.made": "Vault confirmed {at} that its token lives, and with the token the database user `{user}`. "
    "It is asked again before that is {every:.0f} s old, in a call (6a) or beside one, so what an administrator takes "
    "away in Vault is noticed by then.",
    "reason.reuse.ends": "It ends {until} unless it is renewed, and at once when you sign out: then the server revokes "
    "the Vault token, and with it what was made with it.",
    "duration.minutes": "{count} min",
    "duration.seconds": "{count} s",
}
