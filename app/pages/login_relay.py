"""Login relay: a chatbot without a browser gets its user's own sign-in, and acts as them."""

from __future__ import annotations

from app.picture import RELAY
from app.stage import scene
from app.texts import t
from app.view import login_relay_view, visitor
from app.view.stage import stage

visitor.head(t("relay.title"), t("relay.lead"), back_to=visitor.here("/login-relay"))
person = visitor.needed()
stage(scene(RELAY), key="relay.stage")
login_relay_view.show(person)
