"""A person's own account at a provider (OAuth 2.0): connected once, its grant kept in that person's Vault path."""
