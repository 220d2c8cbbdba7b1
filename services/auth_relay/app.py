"""The relay's HTTP side: three endpoints of its contract, the link's form, and how far a login is."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Annotated, Any
from urllib.parse import urlsplit

from fastapi import FastAPI, Form, Header, Request
from fastapi.exceptions import RequestValidationError
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from common import logs, signed
from common.settings import load
from common.speech import said_problem
from fastmcp_vault import correlation, telemetry
from fastmcp_vault.errors import AccessSuspended, InputError, Problem
from fastmcp_vault.sentences import Sentence
from fastmcp_vault.state import State
from services.auth_relay import pages
from services.auth_relay.clients import Clients
from services.auth_relay.models import ErrorAnswer, Link, LinkRequest, LoginProgress, StatusRequest
from services.auth_relay.problems import NotAllowed, RelayProblem, WrongCode
from services.auth_relay.relay import Relay
from services.auth_relay.settings import RelaySettings
from services.auth_relay.store import Store
from services.web import add_front_page, allowed_hosts, protect, spoken_by

BODY_LIMIT = 16_384

_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


Responses = dict[int | str, dict[str, Any]]


def _errors(*statuses: int) -> Responses:
    return {status: {"model": ErrorAnswer} for status in (400, 413, 422, 503, *statuses)}


def _pages(*statuses: int) -> Responses:
    """Errors as a page for whoever accepts HTML, else as for programs."""
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/ErrorAnswer"}}, "text/html": {}}
    about = {"content": content, "description": "It did not work"}
    return {**dict.fromkeys((400, 422, 503, *statuses), about), 303: {"description": "On to the next station"}}


Signature = Annotated[str | None, Header(alias=signed.HEADER)]

_log = logging.getLogger(__name__)


def create() -> FastAPI:
    """The application for the environment's settings: what each Uvicorn worker makes. Raises ConfigError."""
    settings = load(RelaySettings)
    logs.set_up("auth-relay", level="DEBUG" if settings.debug else "INFO")
    telemetry.start("auth-relay")
    # Addresses of logins hold links and codes, and /health is asked every other second.
    logging.getLogger("uvicorn.access").setLevel(logging.WARNING)
    return build(settings)


def build(settings: RelaySettings) -> FastAPI:
    """The application for these settings. Raises ConfigError when the clients cannot be used."""
    clients = Clients(settings)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with State(settings.state_dsn, application_name="auth-relay") as state:
            app.state.relay = Relay(settings, clients, Store(settings.session_cache_dir), suspensions=state)
            app.state.shared = state
            yield
            await app.state.relay.close()

    app = FastAPI(
        title="Login relay for chatbots",
        description="Links by which a chatbot's user signs in at Keycloak, so that the chatbot gets an offline token.",
        version="1.0.0",
        lifespan=lifespan,
        docs_url="/docs" if settings.debug else None,
        redoc_url=None,
        middleware=[Middleware(BaseHTTPMiddleware, dispatch=_with_headers)],
    )
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(RequestValidationError, _invalid)
    _programs(app)
    _people(app, settings)
    return protect(app, hosts=allowed_hosts(f"{_host(settings)},{settings.relay_allowed_hosts}"), body_limit=BODY_LIMIT)


def _host(settings: RelaySettings) -> str:
    return urlsplit(settings.base_url).hostname or "localhost"


def _programs(app: FastAPI) -> None:
    @app.post("/issue_login_link", responses=_errors(401, 403, 429), summary="Ask for a login link")
    async def issue_login_link(request: Request, wanted: LinkRequest, signature: Signature = None) -> Link:
        """A login link for one user of a registered chatbot, and the code that the chat must show beside it.

        Signed like the callback; in the demo profile it may be unsigned. Errors: `unknown_client_key`,
        `address_not_allowed`, `invalid_signature`, `too_many_links`, `client_suspended`.
        """
        relay: Relay = request.app.state.relay
        signed_so = await relay.check_signature(wanted, await request.body(), signature, needed=False)
        return await relay.issue(wanted, signed=signed_so, trace_id=request.headers.get(correlation.HEADER))

    @app.post("/login_link_status", responses=_errors(401, 404), summary="How far a login is")
    async def login_link_status(request: Request, wanted: StatusRequest, signature: Signature = None) -> LoginProgress:
        """The status and the masked steps of a login that this chatbot asked for; always signed."""
        relay: Relay = request.app.state.relay
        await relay.check_signature(wanted, await request.body(), signature, needed=True)
        found = await relay.progress(wanted)
        if found is None:
            raise _NoSuchLogin("There is no such login of this client, or its time is over.")
        return found

    add_front_page(
        app,
        "Login relay",
        "A chatbot that has no browser asks here for a login link, and gets its user's own sign-in. You come here "
        "by such a link, with the code that the chat shows; the app's page Login relay plays it through.",
        links=[("Its interface (OpenAPI)", "/openapi.json"), ("Is it well?", "/health")],
    )

    @app.get("/health", include_in_schema=False)
    async def health(request: Request) -> Response:
        """200 while sign-ins can be kept, and who is suspended is known."""
        relay: Relay = request.app.state.relay
        well = await relay.keeps() and await request.app.state.shared.serves()
        return JSONResponse({"status": "ok" if well else "refusing"}, 200 if well else 503)


class _NoSuchLogin(RelayProblem):
    """No login of this client has this id."""

    code, status = "unknown_login", 404


def _people(app: FastAPI, settings: RelaySettings) -> None:
    @app.get("/login/{lit}", summary="The link's page", response_class=HTMLResponse, responses=_pages(403))
    async def login(request: Request, lit: str) -> Response:
        """Names the chatbot and asks for the code that the chat shows. Looking at it uses nothing up."""
        return await _code_page(request, lit)

    @app.post(
        "/login/{lit}",
        summary="The code, then Keycloak",
        status_code=303,
        response_class=RedirectResponse,
        responses=_pages(403, 413),
    )
    async def begin(request: Request, lit: str, code: Annotated[str, Form(max_length=64)]) -> Response:
        """With the right code: state, nonce and PKCE verifier are made, and the browser goes to Keycloak."""
        _own_page(request, settings)
        relay: Relay = request.app.state.relay
        try:
            begun = await relay.begin(lit, code)
        except WrongCode as problem:
            if not _wants_html(request):
                raise
            return await _code_page(request, lit, said=problem)
        answer = RedirectResponse(begun.url, 303)
        answer.set_cookie(
            begun.cookie,
            begun.value,
            max_age=settings.state_ttl_seconds,
            httponly=True,
            samesite="lax",
            secure=settings.https,
        )
        return answer

    @app.get(
        "/oidc/callback",
        summary="Back from Keycloak",
        status_code=303,
        response_class=RedirectResponse,
        responses=_pages(403, 502),
    )
    async def callback(request: Request) -> Response:
        """Checks state and nonce, redeems the code, hands the tokens to the chatbot, and sends the browser on.

        Errors: `invalid_or_expired_state`, `callback_failed`, `no_offline_refresh_token`, `unknown_client_key`,
        `person_suspended`, `client_suspended`.
        """
        relay: Relay = request.app.state.relay
        where = await relay.finish(dict(request.query_params), request.cookies)
        answer = RedirectResponse(where, 303)
        answer.delete_cookie(relay.cookie_name(request.query_params["state"]), secure=settings.https)
        return answer


async def _code_page(request: Request, lit: str, *, said: WrongCode | None = None) -> Response:
    relay: Relay = request.app.state.relay
    client, link = await relay.look_at(lit)
    return pages.ask_for_code(
        chatbot=client.name,
        user=link.chatbot_user_id,
        said=said,
        form_targets=relay.form_targets(client, link),
        spoken=spoken_by(request),
        status=said.status if said else 200,
    )


def _own_page(request: Request, settings: RelaySettings) -> None:
    """A form that another site's page sends would sign its visitor in to somebody else's chat. Raises NotAllowed."""
    sent_from = request.headers.get("origin", settings.origin)
    if sent_from.lower() != settings.origin or request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
        raise NotAllowed("The code was not sent from the link's own page.", fix="Open the link itself.")


def _wants_html(request: Request) -> bool:
    return "text/html" in request.headers.get("accept", "")


async def _problem(request: Request, problem: Exception) -> Response:
    assert isinstance(problem, Problem)
    status = _status(problem)
    _log.info("%s %s: %s", request.method, request.url.path.split("/")[1], problem.code)
    if _wants_html(request):
        return pages.problem_page(problem, status=status, spoken=spoken_by(request))
    return JSONResponse({"error": problem.code, "message": said_problem(problem, spoken_by(request))}, status)


def _status(problem: Problem) -> int:
    if isinstance(problem, RelayProblem):
        return problem.status
    return 403 if isinstance(problem, AccessSuspended) else 503 if problem.retryable else 400


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    fields: Mapping[str, None] = dict.fromkeys(str(e["loc"][-1]) for e in error.errors())
    problem = InputError(
        Sentence("The request cannot be used: {fields}.", fields=", ".join(fields)),
        fix="The API is described at /openapi.json.",
    )
    if _wants_html(request):
        return pages.problem_page(problem, status=422, spoken=spoken_by(request))
    return JSONResponse({"error": "invalid_request", "message": said_problem(problem, spoken_by(request))}, 422)


async def _with_headers(request: Request, go_on: Callable[[Request], Awaitable[Response]]) -> Response:
    response = await go_on(request)
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    return response
