"""Services beside the MCP servers: tokens for programs, login links for chatbots, agents and their business service."""
