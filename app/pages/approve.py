"""Approve: where the link of a call that waits leads; the person sees what will be done, and says yes or no."""

from __future__ import annotations

from app.texts import t
from app.view import approval_view, visitor

visitor.head(t("approve.title"), t("approve.lead"), back_to=visitor.here("/approve"))
approval_view.show(visitor.needed())
