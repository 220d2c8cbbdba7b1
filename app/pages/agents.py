"""Agents: programs with certificates of their own, the tokens they get for them, and what those open."""

from __future__ import annotations

from app.texts import t
from app.view import agents_view, visitor

visitor.head(t("agents.title"), t("agents.lead"), back_to="/agents")
agents_view.show(visitor.needed())
