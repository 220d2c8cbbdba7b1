"""The Keycloak side: code flow with PKCE, token exchange, JWT validation, refresh, logout."""

from fastmcp_vault.oidc.oidc import Keycloak, LoginRequest
from fastmcp_vault.oidc.tokens import Claims, TokenSet, unverified_claims
from fastmcp_vault.oidc.validation import TokenValidator

__all__ = ["Claims", "Keycloak", "LoginRequest", "TokenSet", "TokenValidator", "unverified_claims"]
