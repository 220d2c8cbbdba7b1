"""Audit: what Vault itself wrote down about the person who is signed in."""

from __future__ import annotations

from app.texts import t
from app.view import audit_view, visitor

visitor.head(t("audit.title"), t("audit.lead"), back_to="/audit")
visitor.needed()
audit_view.show()
