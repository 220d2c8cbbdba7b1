"""The app as one ASGI application: Streamlit's pages, our routes, the checks in front of both, and its lifespan."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import streamlit as st
from starlette.middleware import Middleware

from app import warm
from app.example import Example
from app.front import Front
from app.headers import OwnHost, OwnOrigin, SecurityHeaders
from app.language import Language
from app.loop import Loop
from app.pending import PendingLogins, SeenTokens
from app.person_vault import PersonVault
from app.process import AppProcess
from app.providers import Providers
from app.revoker import Revoker
from app.routes import ROUTES
from app.rules import Rules
from app.session_count import counted_sessions
from app.sessions import AppSessions
from app.settings import AppSettings
from app.texts import t
from common import logs
from common.vault_login import own_login
from fastmcp_vault.oidc.jwks import KeySource
from fastmcp_vault.oidc.oidc import Keycloak
from fastmcp_vault.oidc.validation import TokenValidator
from fastmcp_vault.state import State
from fastmcp_vault.vault import Persistence, Vault, VaultSession

FRAME = Path(__file__).parent / "pages" / "frame.py"

_log = logging.getLogger(__name__)


def build(settings: AppSettings) -> st.App:
    """The application for these settings; nothing is opened before it starts."""
    return st.App(
        FRAME,
        routes=list(ROUTES),
        lifespan=_lifespan(settings),
        middleware=[
            Middleware(OwnHost, settings=settings),
            Middleware(SecurityHeaders, settings=settings),
            Middleware(OwnOrigin, settings=settings),
            Middleware(Front, routes=ROUTES),
            Middleware(Language),
        ],
        on_script_error=_on_script_error,
    )


@asynccontextmanager
async def opened(settings: AppSettings) -> AsyncIterator[AppProcess]:
    """The process's parts, on the loop that is running, closed in reverse order."""
    async with AsyncExitStack() as stack:
        keycloak = Keycloak(
            base_url=settings.keycloak_url,
            public_url=settings.keycloak_public_url,
            realm=settings.keycloak_realm,
            client_id=settings.app_client_id,
            client_secret=settings.app_client_secret,
        )
        stack.push_async_callback(keycloak.close)
        validator = TokenValidator(issuer=settings.issuer, jwks_url=settings.jwks_url, audience=None)
        stack.push_async_callback(validator.close)
        keys = KeySource(settings.jwks_url)
        stack.push_async_callback(keys.close)
        vault = Vault(settings.vault_addr)
        stack.push_async_callback(vault.close)
        state = State(settings.state_dsn, session_keys=[settings.app_session_key], application_name="app")
        stack.push_async_callback(state.close)
        await state.open()
        login = own_login(settings, settings.vault_role_id, settings.vault_secret_id)
        session = VaultSession(vault, login, persistence=Persistence(from_the_start=True))
        await stack.enter_async_context(session)
        await stack.enter_async_context(Revoker(state=state, vault=vault, session=session))
        example = Example(settings)
        stack.push_async_callback(example.close)
        person_vault = PersonVault(keycloak=keycloak, vault=vault, state=state)
        stack.push_async_callback(person_vault.close)
        providers = Providers(settings.providers())
        stack.push_async_callback(providers.close)
        sessions = AppSessions(state=state, keycloak=keycloak)
        stack.push_async_callback(sessions.close)
        process = AppProcess(
            settings=settings,
            loop=Loop(asyncio.get_running_loop()),
            keycloak=keycloak,
            validator=validator,
            keys=keys,
            vault=vault,
            state=state,
            sessions=sessions,
            pending=PendingLogins(settings.app_session_key, state.finished_logins),
            seen=SeenTokens(),
            example=example,
            person_vault=person_vault,
            providers=providers,
            rules=Rules(vault, session),
        )
        async with AppProcess.running(process), counted_sessions(state):
            yield process


def _lifespan(settings: AppSettings) -> Callable[[st.App], AbstractAsyncContextManager[dict[str, Any] | None]]:
    @asynccontextmanager
    async def lifespan(_: st.App) -> AsyncIterator[dict[str, Any] | None]:
        quiet_logs()
        async with opened(settings):
            warming = asyncio.create_task(warm.when_answered(settings.jwks_url))
            yield None
            warming.cancel()

    return lifespan


def quiet_logs() -> None:
    """Put every logger behind the masking formatter: Streamlit and uvicorn set up handlers of their own at start."""
    logs.set_up("app")
    for name in [n for n in logging.root.manager.loggerDict if n.split(".")[0] in {"streamlit", "uvicorn"}]:
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    # Addresses of the sign-in routes hold codes and states.
    logging.getLogger("uvicorn.access").setLevel(logging.WARNING)


def _on_script_error(error: Exception) -> bool:
    """An error that no page foresaw: a sentence for the person, the traceback (masked) for the log."""
    _log.error("Uncaught in a page", exc_info=error)
    st.error(t("error.unexpected"), icon=":material/error:")
    return True
