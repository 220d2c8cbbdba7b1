"""The names of one person at each part, in English."""

from __future__ import annotations

TEXTS: dict[str, str] = {
    "identity.line": "One person, four names; press one to see why it is the same person.",
    "identity.username": "{value}",
    "identity.user": "Keycloak user {value}",
    "identity.entity": "Vault entity {value}",
    "identity.database": "database user {value}",
    "identity.username.why": "The name to show: the claim `preferred_username` of the access token (email `{email}`). "
    "Nobody is looked up by it, because it may change.",
    "identity.user.why": "Keycloak's id of the account: the claim `sub`, the same in all three tokens. It never "
    "changes, whatever the person is called.",
    "identity.entity.why": "An entity is Vault's record of one person. Its alias is the user id `{user_id}` (login "
    "method `jwt/`), made before anyone signed in, so Vault found the entity by the claim `sub`. Its name is "
    "`{entity}`, and Vault fills that name into its policies wherever they say `{{{{identity.entity.name}}}}`.",
    "identity.database.why": "Vault made this PostgreSQL user for this login and names it by a template, "
    "`v-{{{{.RoleName}}}}-{{{{random 12}}}}-{{{{unix_time}}}}`: role `{role}` (the entity's name, as the policy "
    "demands), 12 random characters `{random}`, made at {at}.",
}
