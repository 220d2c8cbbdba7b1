"""Login relay: a chatbot without a browser gets its user's own sign-in, and acts as them."""

from __future__ import annotations

from app.texts import t
from app.view import login_relay_view, visitor

visitor.head(t("relay.title"), t("relay.lead"), back_to=visitor.here("/login-relay"))
login_relay_view.show(visitor.needed())
