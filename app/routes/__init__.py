"""The app's own HTTP routes, beside Streamlit's: sign-in, sign-out, back-channel logout, health."""

from __future__ import annotations

from starlette.routing import Route

from app.routes.backchannel import backchannel_logout, only_post
from app.routes.connect import begin, connected
from app.routes.draft import keep
from app.routes.health import health
from app.routes.login import callback, login
from app.routes.logout import logout, logout_needs_post
from app.routes.session import alive, session

ROUTES = (
    Route("/auth/login", login, methods=["GET"]),
    Route("/auth/callback", callback, methods=["GET"]),
    Route("/auth/logout", logout, methods=["POST"]),
    Route("/auth/logout", logout_needs_post, methods=["GET"]),
    Route("/auth/connect/{server}", begin, methods=["GET"]),
    Route("/auth/connected/{server}", connected, methods=["GET"]),
    Route("/auth/session", session, methods=["GET"]),
    Route("/auth/alive", alive, methods=["POST"]),
    Route("/auth/draft", keep, methods=["POST"]),
    Route("/auth/backchannel-logout", backchannel_logout, methods=["POST"]),
    Route("/auth/backchannel-logout", only_post, methods=["GET", "PUT", "PATCH", "DELETE", "OPTIONS"]),
    Route("/health", health, methods=["GET"]),
)
