"""Isolation: what is mine opens, and what is somebody else's does not; each cell really tried."""

from __future__ import annotations

from app.texts import t
from app.view import isolation_view, visitor

visitor.head(t("iso.title"), t("iso.lead"), back_to=visitor.here("/isolation"))
isolation_view.show(visitor.needed())
