"""My secrets: what Vault holds for the person who is signed in, and what it holds for a program without a person."""

from __future__ import annotations

from app.texts import t
from app.view import my_secrets_view, visitor

visitor.head(t("own.title"), t("own.lead"), back_to="/my-secrets")
visitor.needed()
my_secrets_view.show()
