"""The three MCP servers: their tools, and what they share: who calls, and which credential that person has."""
