"""Watch one call: the same tool by two people, step by step, for a talk or for oneself."""

from __future__ import annotations

from app.texts import t
from app.view import visitor, watch_view

visitor.head(t("watch.title"), t("watch.lead"), back_to="/watch")
watch_view.show(visitor.needed())
