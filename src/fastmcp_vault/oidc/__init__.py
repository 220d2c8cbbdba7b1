"""The issuer's side: discovery, code flow with PKCE, token exchange, JWT validation, refresh, logout."""

from fastmcp_vault.oidc.endpoints import Endpoints, discover
from fastmcp_vault.oidc.oidc import Keycloak, LoginRequest, OidcClient
from fastmcp_vault.oidc.tokens import Claims, TokenSet, unverified_claims
from fastmcp_vault.oidc.validation import TokenValidator

__all__ = [
    "Claims",
    "Endpoints",
    "Keycloak",
    "LoginRequest",
    "OidcClient",
    "TokenSet",
    "TokenValidator",
    "discover",
    "unverified_claims",
]
