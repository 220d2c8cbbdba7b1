"""What the agents' auth server and the business service share: certificates, keys, tokens, and which are active."""
