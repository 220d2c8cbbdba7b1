"""The login relay: links by which a chatbot without a browser gets its user's own offline token from Keycloak."""
