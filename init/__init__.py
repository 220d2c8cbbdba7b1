"""Provisioning: makes Keycloak, PostgreSQL and Vault hold what ``users.yaml`` and this package say, and reports."""
