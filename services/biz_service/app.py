"""The business service's HTTP endpoints. Nothing of a request is read before its token is found good."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

from fastapi import Depends, FastAPI, Request
from fastapi.responses import JSONResponse
from fastapi.security import HTTPBearer
from pydantic import BaseModel, ValidationError
from starlette.responses import Response

from fastmcp_vault.faults import faults
from services.agents.errors import InvalidRequest
from services.agents.house import AgentServices
from services.agents.http import answer_problems
from services.biz_service.gate import AgentCaller, Gate
from services.biz_service.work import NewCommand, Result, Work
from services.web import add_front_page, allowed_hosts, protect

M = TypeVar("M", bound=BaseModel)

_SCHEME = HTTPBearer(auto_error=False, bearerFormat="JWT", description="An agent's token (POST /oauth2/token)")


async def _caller(request: Request, _: Annotated[Any, Depends(_SCHEME)]) -> AgentCaller:
    gate: Gate = request.app.state.gate
    return await gate.caller(request)


Agent = Annotated[AgentCaller, Depends(_caller)]


class Refusal(BaseModel):
    """How every refusal looks."""

    error: str
    error_description: str


def build(house: AgentServices, gate: Gate, work: Work) -> FastAPI:
    """The application, the same for plain HTTP and mutual TLS."""
    app = FastAPI(title="Business service", version="1.0.0", docs_url=None, redoc_url=None)
    answer_problems(app)
    app.state.gate = gate

    add_front_page(
        app,
        "Business service",
        "Programs with a certificate (agents) fetch commands here and report results, each with a token of its "
        "own. There is nothing to look at without one; the app's page Agents plays it through.",
        links=[("Is it well?", "/health"), ("Its interface (OpenAPI)", "/openapi.json")],
    )

    @app.get("/health", responses={503: {"description": "Requests are refused"}})
    async def health() -> Response:
        """Whether requests are served; needs no token."""
        return await _health(house, work)

    @app.get("/api/commands", responses=_refusals(403))
    async def commands(agent: Agent) -> dict[str, Any]:
        """The commands that wait for this agent, the oldest first (scope `agent:commands`)."""
        return await work.commands(agent)

    @app.post(
        "/api/commands", status_code=201, responses=_refusals(400, 403, 413, 429), openapi_extra=_body(NewCommand)
    )
    async def dispatch(request: Request, agent: Agent) -> dict[str, Any]:
        """Give a command to an agent of the same owner (scope `agent:dispatch`)."""
        agent.need("agent:dispatch")
        return await work.dispatch(agent, await _read(request, NewCommand))

    @app.post("/api/results", responses=_refusals(400, 403, 404, 409, 413), openapi_extra=_body(Result))
    async def results(request: Request, agent: Agent) -> dict[str, Any]:
        """Report on a command, once (scope `agent:results`)."""
        agent.need("agent:results")
        return await work.report(agent, await _read(request, Result))

    @app.get("/api/config", responses=_refusals(403))
    async def config(agent: Agent) -> dict[str, Any]:
        """How an agent shall behave (scope `agent:commands`)."""
        return await work.config(agent)

    @app.get("/api/token-info", responses=_refusals())
    async def token_info(agent: Agent) -> dict[str, Any]:
        """What the token says (any valid token)."""
        return work.token_info(agent)

    @app.get("/api/whoami", responses=_refusals())
    async def whoami(agent: Agent) -> dict[str, Any]:
        """Whom this service takes the caller for (any valid token)."""
        return work.whoami(agent)

    return protect(app, hosts=allowed_hosts(house.settings.agents_allowed_hosts))


_MEANINGS = {
    400: "The body cannot be used",
    401: "No token, or one that is not accepted; `error_description` names the cause",
    403: "The token lacks a scope",
    404: "There is no such command for this agent",
    409: "The command was reported on before",
    413: "The body is too long",
    429: "Too many commands wait for this agent",
    503: "A part that must be asked does not answer",
}


def _refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    return {s: {"model": Refusal, "description": _MEANINGS[s]} for s in sorted({401, 503, *statuses})}


def _body(model: type[BaseModel]) -> dict[str, Any]:
    content = {"application/json": {"schema": model.model_json_schema()}}
    return {"requestBody": {"required": True, "content": content}}


async def _read(request: Request, model: type[M]) -> M:
    """The body, which is asked for only now that the caller is known. Raises InvalidRequest naming each field."""
    try:
        return model.model_validate_json(await request.body())
    except ValidationError as error:
        raise InvalidRequest(faults(error, whole="body")) from None


async def _health(house: AgentServices, work: Work) -> Response:
    """Nobody's name, no secret; 503 while requests are refused."""
    state = house.state.fresh() and await work.ready()
    redis = None if house.active is None else await house.active.answers()
    well = state and redis is not False
    body = {
        "status": "ok" if well else "refusing",
        "state": "fresh" if state else "stale",
        "redis": {None: "not used", True: "up", False: "down"}[redis],
        "auth_mode": house.settings.auth_mode,
        "mutual_tls": house.tls is not None,
    }
    return JSONResponse(body, 200 if well else 503)
