"""Workshop: exercises from sign-in to sign-out that ask the real servers whether they were done."""

from __future__ import annotations

from app.texts import t
from app.view import visitor, workshop_view

visitor.head(t("workshop.title"), t("workshop.lead"), back_to="/workshop")
workshop_view.show(visitor.needed())
