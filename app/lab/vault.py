"""Tokens and paths at Vault that belong to somebody else; and Keycloak's part in who may trade what."""

from __future__ import annotations

from collections.abc import Mapping

from app.lab.attack import Attack, AttackAnswer, AttackContext, plain_answer

_GROUP = "vault"


async def log_in(shot: AttackContext, role: str, jwt: str) -> AttackAnswer:
    """A login with this JWT in this role (Vault API: POST auth/jwt/login)."""
    address = f"{shot.targets.vault}/v1/auth/jwt/login"
    return plain_answer(await shot.wire.post(address, json={"role": role, "jwt": jwt}))


async def ask(shot: AttackContext, method: str, path: str, **headers: str) -> AttackAnswer:
    """One request with the attacker's own Vault token (role ``person``)."""
    headers |= {"X-Vault-Token": await shot.arms.vault_token()}
    return plain_answer(await shot.wire.request(method, f"{shot.targets.vault}/v1/{path}", headers=headers))


async def login_token(shot: AttackContext) -> AttackAnswer:
    """The token of the sign-in itself, which was never meant for Vault."""
    return await log_in(shot, "person", (await shot.arms.login()).access_token.get_secret_value())


async def other_role(shot: AttackContext) -> AttackAnswer:
    """The app's exchanged token, at the role of an MCP server."""
    return await log_in(shot, "mcp-jira", (await shot.arms.vault_jwt()).get_secret_value())


async def foreign_client(shot: AttackContext) -> AttackAnswer:
    """A token for Vault of another program's, a lab client, at the app's role."""
    return await log_in(shot, "person", (await shot.arms.lab_token("lab-vault")).access_token.get_secret_value())


async def others_secret(shot: AttackContext) -> AttackAnswer:
    """The victim's GitHub credential, by its path."""
    return await ask(shot, "GET", f"secret/data/users/{shot.arms.range.victim.username}/github")


async def others_database_user(shot: AttackContext) -> AttackAnswer:
    """A database user with the victim's rights."""
    return await ask(shot, "GET", f"database/creds/{shot.arms.range.victim.username}")


async def by_a_detour(shot: AttackContext) -> AttackAnswer:
    """The victim's path by way of the attacker's own, with the dots in disguise."""
    attacker, victim = shot.arms.range.attacker.username, shot.arms.range.victim.username
    return await ask(shot, "GET", f"secret/data/users/{attacker}/%2e%2e/{victim}/github")


async def everybodys_names(shot: AttackContext) -> AttackAnswer:
    """The list of everybody who has secrets."""
    return await ask(shot, "LIST", "secret/metadata/users")


async def more_policies(shot: AttackContext) -> AttackAnswer:
    """A further token from one's own, with the policy of the root."""
    headers = {"X-Vault-Token": await shot.arms.vault_token()}
    asked = {"policies": ["root"], "no_parent": True}
    return plain_answer(await shot.wire.post(f"{shot.targets.vault}/v1/auth/token/create", headers=headers, json=asked))


async def trade(shot: AttackContext) -> AttackAnswer:
    """Another client exchanges a token that was meant for the Jira server."""
    return await _token(
        shot,
        {
            "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
            "subject_token": await shot.arms.server_token("jira"),
            "subject_token_type": "urn:ietf:params:oauth:token-type:access_token",
            **shot.arms.lab_login("lab-app"),
        },
    )


async def own_callback(shot: AttackContext) -> AttackAnswer:
    """A sign-in at the app's client whose code is to be sent to the attacker's own address."""
    query = {
        "response_type": "code",
        "client_id": shot.arms.range.keycloak.client_id,
        "redirect_uri": "http://evil.example/callback",
        "scope": "openid",
        "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        "code_challenge_method": "S256",
    }
    return plain_answer(await shot.wire.get(f"{shot.targets.openid}/auth", params=query))


async def rebound_vault(shot: AttackContext) -> AttackAnswer:
    """A page whose name was pointed at this machine asks Vault, with a token that is good."""
    return await ask(shot, "GET", f"secret/data/users/{shot.arms.range.attacker.username}/jira", Host="evil.example")


async def rebound_keycloak(shot: AttackContext) -> AttackAnswer:
    """Such a page asks Keycloak who the person is, with a token that is good."""
    token = (await shot.arms.login()).access_token.get_secret_value()
    headers = {"Authorization": f"Bearer {token}", "Host": "evil.example"}
    return plain_answer(await shot.wire.get(f"{shot.targets.openid}/userinfo", headers=headers))


async def _token(shot: AttackContext, form: Mapping[str, str]) -> AttackAnswer:
    return plain_answer(await shot.wire.post(f"{shot.targets.openid}/token", data=dict(form)))


ATTACKS = (
    Attack("login-at-vault", _GROUP, "vault.role", "RFC 7519 §4.1.3", r"audience", login_token),
    Attack("other-role", _GROUP, "vault.role", "OpenID Connect Core §2 (azp)", 'claim "azp"', other_role),
    Attack("foreign-client", _GROUP, "vault.role", "OpenID Connect Core §2 (azp)", 'claim "azp"', foreign_client),
    Attack("others-path", _GROUP, "vault.policy", "Vault: templated policies", "permission denied", others_secret),
    Attack(
        "others-database",
        _GROUP,
        "vault.policy",
        "Vault: templated policies",
        "permission denied",
        others_database_user,
    ),
    Attack("detour", _GROUP, "vault.path", "RFC 3986 §6.2.2", "relative paths not supported", by_a_detour),
    Attack("everybody", _GROUP, "vault.policy", "Vault: policies", "permission denied", everybodys_names),
    Attack("root-policy", _GROUP, "vault.policy", "Vault: auth/token/create", "permission denied", more_policies),
    Attack("trade", _GROUP, "keycloak.exchange", "RFC 8693 §2.2.2", "not within the token audience", trade),
    Attack("callback", _GROUP, "keycloak.redirect", "RFC 9700 §4.1", "redirect_uri", own_callback),
    Attack("host-vault", _GROUP, "vault.host", "RFC 9110 §15.5.20", "host name", rebound_vault),
    Attack("host-keycloak", _GROUP, "keycloak.host", "RFC 9110 §15.5.20", "host name", rebound_keycloak),
)
