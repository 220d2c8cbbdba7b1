"""The chatbot's HTTP side: the relay's callback, a page for after the sign-in, and what the messenger's users do."""

from __future__ import annotations

import asyncio
import hmac
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Header, HTTPException, Request
from pydantic import BaseModel, Field
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import HTMLResponse, JSONResponse, Response

from common import signed
from common.front_page import front_page
from common.vault_login import own_login
from fastmcp_vault import correlation, tracing
from fastmcp_vault.backoff import Backoff
from fastmcp_vault.errors import Problem
from fastmcp_vault.http import async_client, async_transport
from fastmcp_vault.masking import mask
from fastmcp_vault.oidc.oidc import Keycloak
from fastmcp_vault.sentences import form_of
from fastmcp_vault.tracing import Recorder, Step
from fastmcp_vault.tracing.wire import TracedTransport
from fastmcp_vault.vault import Persistence, Vault, VaultSession
from mock_services.chatbot.bot import Bot, ChatSession
from mock_services.chatbot.links import Links
from mock_services.chatbot.problems import MessageRefused
from mock_services.chatbot.receiver import HandedOver, Receiver
from mock_services.chatbot.relay import RelayClient
from mock_services.chatbot.settings import ChatbotSettings

BODY_LIMIT = 65_536
KEEP_ALIVE_SECONDS = 3_600.0

SIGN_IN_SECONDS = 600.0
"""How long a person may take at Keycloak once the link is used: the relay's STATE_TTL_SECONDS."""

_LINKED = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Signed in</title></head>
<body><h1>You are signed in</h1><p>Go back to your chat: the chatbot acts as you now. You can close this page.</p>
</body></html>"""

_log = logging.getLogger(__name__)


class AskLink(BaseModel):
    """``redirect_after``: where the browser goes in the end; empty for the chatbot's own page."""

    redirect_after: str = ""


class AskIssue(BaseModel):
    """A message in the chat: which issue to fetch."""

    issue_key: str = Field(min_length=1, max_length=64)


def build(settings: ChatbotSettings) -> FastAPI:
    """The chatbot as an ASGI application; it logs in to Vault at its start, and goes on trying while Vault is down."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            http = async_client(transport=TracedTransport(async_transport()))
            stack.push_async_callback(http.aclose)
            vault = Vault(settings.vault_addr)
            stack.push_async_callback(vault.close)
            login = own_login(settings, settings.vault_role_id, settings.vault_secret_id)
            session = await stack.enter_async_context(
                VaultSession(vault, login, persistence=Persistence(from_the_start=True))
            )
            links = Links(vault, session)
            keycloak = as_client(settings, links)
            stack.push_async_callback(keycloak.close)
            app.state.links = links
            app.state.bot = Bot(
                relay=RelayClient(settings, http, clock=time.time),
                keycloak=keycloak,
                links=links,
                jira_url=settings.mcp_jira_url,
                http=http,
            )
            keeping = asyncio.create_task(_keep_alive(app.state.bot))
            yield
            keeping.cancel()

    app = FastAPI(title="Mock chatbot", version="1.0.0", lifespan=lifespan, docs_url=None, redoc_url=None)
    app.state.receiver = Receiver(
        settings.relay_to_chatbot_hmac_secret,
        client_key=settings.chatbot_client_key,
        issuer=settings.issuer,
        aud=settings.chatbot_client_id,
        clock=time.time,
    )
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=settings.allowed_hosts)
    app.add_exception_handler(Problem, _problem)
    _relays(app)
    _messengers(app, settings)
    return app


def as_client(settings: ChatbotSettings, links: Links, *, clock: Callable[[], float] = time.time) -> Keycloak:
    """The chatbot as a client of Keycloak's; its secret lies in Vault, and is read there for each request."""
    return Keycloak(
        base_url=settings.keycloak_url,
        public_url=settings.keycloak_public_url,
        realm=settings.keycloak_realm,
        client_id=settings.chatbot_client_id,
        client_secret=links.own_secret,
        clock=clock,
    )


async def _keep_alive(bot: Bot) -> None:
    backoff = Backoff(first=1.0)
    while True:
        try:
            await bot.keep_alive()
            backoff.succeeded()
            pause = KEEP_ALIVE_SECONDS
        except Problem as problem:
            _log.info("Idle offline tokens are looked at later: %s", problem.what)
            pause = backoff.failed()
        await asyncio.sleep(pause)


def _relays(app: FastAPI) -> None:
    @app.post("/relay/callback")
    async def callback(request: Request) -> dict[str, str]:
        """What the relay hands over; 401 unless the relay sent it, 503 while Vault is down."""
        body = await _bounded(request)
        receiver: Receiver = request.app.state.receiver
        message, verified = _verified(receiver, body, request)
        with correlation.carrying(request.headers.get(correlation.HEADER)):
            await request.app.state.bot.take(message, verified=verified)
        return {"status": "stored"}

    @app.get("/")
    async def front() -> Response:
        return front_page(
            "Mock chatbot",
            "A chatbot as a company would have it: it acts for those who signed in by a link of the login relay. It is "
            "spoken to by a messenger, and has no page of its own; the app's page Login relay plays the messenger.",
            links=[("Is it well?", "/health")],
        )

    @app.get("/linked")
    async def linked() -> HTMLResponse:
        return HTMLResponse(_LINKED, headers={"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'"})

    @app.get("/health")
    async def health(request: Request) -> Response:
        """200 while links can be read in Vault."""
        well = await request.app.state.links.readable()
        return JSONResponse({"status": "ok" if well else "refusing"}, 200 if well else 503)


def _verified(receiver: Receiver, body: bytes, request: Request) -> tuple[HandedOver, Step]:
    recorder = Recorder("callback")
    with tracing.recording(recorder), tracing.step("chat-verify") as opened:
        message = receiver.receive(body, request.headers.get(signed.HEADER, ""))
        opened.say("The signature is the relay's, the message is fresh, and its nonce is new.")
    return message, recorder.trace.steps[0]


async def _bounded(request: Request) -> bytes:
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > BODY_LIMIT:
            raise HTTPException(413)
    return body


def _messengers(app: FastAPI, settings: ChatbotSettings) -> None:
    key = settings.chatbot_messenger_key.get_secret_value().encode()

    def messenger(authorization: Annotated[str, Header()] = "") -> None:
        """The messenger says who chats; anybody else could speak in another person's chat."""
        scheme, _, given = authorization.partition(" ")
        if scheme.lower() != "bearer" or not hmac.compare_digest(given.encode(), key):
            raise HTTPException(401, headers={"WWW-Authenticate": "Bearer"})

    known = [Depends(messenger)]

    @app.get("/chats/{user}", dependencies=known)
    async def look(request: Request, user: str) -> dict[str, Any]:
        return await _shown(request, await request.app.state.bot.chat(user))

    @app.post("/chats/{user}/link", dependencies=known)
    async def link(request: Request, user: str, wanted: AskLink) -> dict[str, Any]:
        trace_id = request.headers.get(correlation.HEADER)
        chat = await request.app.state.bot.ask_for_link(user, redirect_after=wanted.redirect_after, trace_id=trace_id)
        return await _shown(request, chat)

    @app.post("/chats/{user}/refresh", dependencies=known)
    async def refresh(request: Request, user: str) -> dict[str, Any]:
        return await _shown(request, await request.app.state.bot.refresh(user))

    @app.post("/chats/{user}/issue", dependencies=known)
    async def issue(request: Request, user: str, wanted: AskIssue) -> dict[str, Any]:
        return {"issue": await request.app.state.bot.issue(user, wanted.issue_key)}

    @app.post("/chats/{user}/revoke", dependencies=known)
    async def revoke(request: Request, user: str) -> dict[str, Any]:
        await request.app.state.bot.revoke_elsewhere(user)
        return {}

    @app.delete("/chats/{user}", dependencies=known)
    async def forget(request: Request, user: str) -> dict[str, Any]:
        await request.app.state.bot.forget(user)
        return {}


async def _shown(request: Request, chat: ChatSession) -> dict[str, Any]:
    """A chat as its own user may see it: secrets masked. Times: seconds since the epoch."""
    links: Links = request.app.state.links
    progress = await request.app.state.bot.progress(chat)
    person, access = chat.person, chat.access
    status = _login(chat, progress.get("status", "issued"), time.time())
    return {
        "status": "linked" if person else "ended" if chat.ended else "nobody",
        "ended": chat.ended,
        "login": {"status": status, "error": progress.get("error", ""), "message": progress.get("message", "")},
        "link": {**_link(chat), "expires_at": chat.link_expires_at} if status == "issued" else None,
        "person": {
            "username": person.username,
            "sub": person.sub,
            "linked_at": person.linked_at,
            "refreshed_at": person.refreshed_at,
            "offline_refresh_token": mask(person.offline_refresh_token.get_secret_value()),
            "vault_path": links.shown_path(chat.user),
            "vault_version": person.version,
            "refreshes": chat.refreshes,
            "access_token": mask(access.access_token.get_secret_value()) if access else "",
            "access_expires_at": access.expires_at if access else None,
        }
        if person
        else None,
        "words": {"ended": form_of(chat.ended), "message": progress.get("words")},
        "trace_id": chat.trace_id,
        "steps": [*progress.get("steps", []), *(step.model_dump(mode="json") for step in chat.steps)],
    }


def _login(chat: ChatSession, status: str, now: float) -> str:
    """How far the login is that was asked for last; one that nobody finished in time is ``expired``."""
    if chat.link is None:
        return ""
    until = {"issued": chat.link_expires_at, "code_accepted": chat.link_expires_at + SIGN_IN_SECONDS}
    return "expired" if now >= until.get(status, now + 1) else status


def _link(chat: ChatSession) -> dict[str, Any]:
    return {name: (chat.link or {})[name] for name in ("login_url", "code")}


async def _problem(request: Request, problem: Exception) -> Response:
    assert isinstance(problem, Problem)
    status = 401 if isinstance(problem, MessageRefused) else 503 if problem.retryable else 409
    _log.info("%s %s: %s", request.method, request.url.path, problem.code)
    return JSONResponse({"error": problem.code, "message": problem.what, **problem.as_dict()}, status)
