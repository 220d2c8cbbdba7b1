"""Connect: ready configuration for MCP clients other than this app."""

from __future__ import annotations

from app.texts import t
from app.view import connect_view, visitor

visitor.head(t("connect.title"), t("connect.lead"), back_to="/connect")
connect_view.show()
