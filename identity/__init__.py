"""The Keycloak side: code flow with PKCE, token exchange, JWT validation, refresh, logout."""

from identity.oidc import Keycloak, LoginRequest
from identity.tokens import Claims, TokenSet, unverified_claims
from identity.validation import TokenValidator

__all__ = ["Claims", "Keycloak", "LoginRequest", "TokenSet", "TokenValidator", "unverified_claims"]
