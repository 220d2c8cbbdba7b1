"""Which language a visitor reads: the page's own switch, a cookie that remembers it, the browser's first choice."""

from __future__ import annotations

from http.cookies import SimpleCookie

import streamlit as st
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send
from streamlit.runtime.scriptrunner import get_script_run_ctx

from app import texts

COOKIE = "mcp_demo_language"
"""Written by the page's switch; holds a language code and nothing else."""

PARAMETER = "lang"
"""Query parameter that asks for a language, for links."""

_KEPT = "language"


def current() -> str:
    """The language of this browser tab, decided at the first run of its first page."""
    if _KEPT not in st.session_state:
        st.session_state[_KEPT] = texts.wanted(
            asked=st.query_params.get(PARAMETER),
            remembered=st.context.cookies.get(COOKIE),
            accepted=st.context.locale,
        )
    return str(st.session_state[_KEPT])


def choose(code: str) -> None:
    """The visitor wants this language from now on; an unknown code changes nothing."""
    if code in texts.LANGUAGES:
        st.session_state[_KEPT] = code
        st.query_params.pop(PARAMETER, None)
        texts.speak(code)


def _of_page() -> str | None:
    """The language of the page that this thread draws a part of, if it does."""
    if get_script_run_ctx(suppress_warning=True) is None:
        return None
    kept = st.session_state.get(_KEPT)
    return str(kept) if kept else None


texts.look_up(_of_page)


class Language:
    """Pure ASGI middleware: routes answer in the language that the cookie or ``Accept-Language`` asks for."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, speaking the visitor's language; web sockets pass untouched."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        cookie = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
        code = texts.wanted(remembered=cookie.value if cookie else None, accepted=headers.get("accept-language"))
        with texts.speaking(code):
            await self._app(scope, receive, send)
