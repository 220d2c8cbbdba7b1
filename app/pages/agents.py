"""Agents: programs with certificates of their own, the tokens they get for them, and what those open."""

from __future__ import annotations

from app.picture import AGENTS
from app.stage import scene
from app.texts import t
from app.view import agents_view, visitor
from app.view.stage import stage

visitor.head(t("agents.title"), t("agents.lead"), back_to="/agents")
person = visitor.needed()
stage(scene(AGENTS), key="agents.stage")
agents_view.show(person)
