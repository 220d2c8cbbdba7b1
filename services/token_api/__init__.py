"""The token API: Vault tokens for other programs, with Vault as the token service."""
