"""Vault tokens: tokens for the person's own programs, made and looked after."""

from __future__ import annotations

from app.texts import t
from app.view import vault_tokens_view, visitor

visitor.head(t("tokens.title"), t("tokens.lead"), back_to="/vault-tokens")
visitor.needed()
vault_tokens_view.show()
