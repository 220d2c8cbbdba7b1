"""What each claim of a JWT means, in English."""

from __future__ import annotations

TEXTS: dict[str, str] = {
    "claim.sub": "The person's id at Keycloak. Vault's alias of this id leads to one entity.",
    "claim.preferred_username": "The name to show.",
    "claim.email": "The person's email address.",
    "claim.email_verified": "Whether Keycloak knows that the address is theirs.",
    "claim.name": "The person's full name.",
    "claim.given_name": "The person's first name.",
    "claim.family_name": "The person's last name.",
    "claim.iss": "Who made the token. Anyone else's is refused.",
    "claim.aud": "Who may accept the token. Whoever is not named refuses it.",
    "claim.azp": "The program that the token was given to.",
    "claim.scope": "What the token may be used for.",
    "claim.exp": "After this moment the token is worthless.",
    "claim.iat": "When the token was made.",
    "claim.nbf": "Before this moment the token is not good yet.",
    "claim.auth_time": "When the person last typed a password.",
    "claim.sid": "The sign-in session. When it ends, every token with this id is refused.",
    "claim.jti": "The token's own serial number.",
    "claim.typ": "What kind of token: Bearer is an access token. An ID token is refused.",
    "claim.acr": "How strongly the person proved who they are.",
    "claim.realm_access": "Roles in the whole realm.",
    "claim.resource_access": "Roles in single programs.",
    "claim.allowed-origins": "Web pages that may send this token from a browser.",
}
