"""MCP tools: pick servers, load their tools, run them as the person who is signed in, and see how that came about."""

from __future__ import annotations

from app.texts import t
from app.view import tools_view, typed, visitor

visitor.head(t("tools.title"), t("tools.lead"), back_to=visitor.here("/mcp-tools"))
tools_view.show(visitor.needed(losing=typed.set_aside))
