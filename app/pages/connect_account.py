"""Connect an account: where the link of a call that needs one leads; the person sees who asks."""

from __future__ import annotations

from app.texts import t
from app.view import accounts_view, visitor

visitor.head(t("accounts.title"), t("accounts.lead"), back_to=visitor.here("/connect-account"))
accounts_view.show(visitor.needed())
