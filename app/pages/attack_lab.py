"""Attack lab: what should not succeed, really tried, and which layer stopped it."""

from __future__ import annotations

from app.texts import t
from app.view import lab_view, visitor

visitor.head(t("lab.title"), t("lab.lead"), back_to=visitor.here("/attack-lab"))
lab_view.show(visitor.needed())
