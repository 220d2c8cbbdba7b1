"""The FastMCP side: authorization, tools, approvals, what a call tells of itself."""
