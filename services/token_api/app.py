"""The token API's HTTP face: its routes, and how every refusal is told."""

from __future__ import annotations

import math
import time
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, FastAPI, Header, Path, Query, Request
from fastapi.exceptions import RequestValidationError
from pydantic import SecretStr
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, Response

from common.speech import said
from fastmcp_vault.errors import Problem
from fastmcp_vault.masking import mask
from fastmcp_vault.sentences import Sentence
from fastmcp_vault.vault import Vault, VaultSession
from fastmcp_vault.vault.health import serves
from services.token_api import models, page
from services.token_api.callers import Callers, Owner
from services.token_api.models import Accessor, Mark, errors
from services.token_api.refusals import NO_TOKEN, RequestRefused, answer_to, invalid, unreadable
from services.token_api.tokens import ITEMS, MOUNT, ApiTokens
from services.web import protect, spoken_by

TokenHeader = Annotated[
    str | None, Header(alias="Token-Header", description="A token that this API issued.", max_length=500)
]

router = APIRouter()


def build(vault: Vault, session: VaultSession, callers: Callers, *, hosts: list[str], demo: bool) -> FastAPI:
    """The application; ``session`` is the service's own login."""
    app = FastAPI(
        title="Token API",
        version="1.0",
        summary="Vault tokens for other programs, with Vault as the token service.",
        docs_url=None,
        redoc_url=None,
    )
    app.state.vault, app.state.session, app.state.callers = vault, session, callers
    app.state.tokens = ApiTokens(vault, session)
    app.state.demo = demo
    app.include_router(router)
    app.include_router(items)
    app.add_exception_handler(Problem, answer_to)  # type: ignore[arg-type]
    app.add_exception_handler(RequestRefused, answer_to)  # type: ignore[arg-type]
    app.add_exception_handler(RequestValidationError, invalid)  # type: ignore[arg-type]
    _describe_only_what_is_answered(app)
    protect(app, hosts=hosts)
    app.add_exception_handler(HTTPException, unreadable(app.exception_handlers[HTTPException]))
    return app


@router.get("/", response_class=HTMLResponse, responses={200: {"content": {"text/html": {}}}})
async def front(request: Request) -> Response:
    """A page that makes a token by hand."""
    return page.render(demo=request.app.state.demo)


@router.post(
    "/api/token/create",
    responses=errors(413) | {code: {"model": models.TokenActionDone} for code in (400, 401, 403, 429, 503)},
)
async def create(request: Request, body: models.CreateToken, owner: Owner) -> models.TokenCreated:
    """Make a token: one hour, its permissions enforced by Vault's policies."""
    token = await _tokens(request).issue(owner, body.name, body.permissions)
    message = Sentence(
        "Token for {name} made. It lives one hour and may {allowed}. It is shown this once.",
        name=body.name,
        allowed=", ".join(body.permissions.allowed()) or "do nothing",
    )
    return models.TokenCreated(token=token.get_secret_value(), message=said(message, spoken_by(request)))


@router.get("/api/data", responses=errors(400, 401, 403, 503))
async def data(request: Request, token: TokenHeader = None) -> models.Data:
    """What a token opens: Vault is asked about the token every time, and reads the demo's item with it."""
    presented = _presented(token)
    known = await _tokens(request).look_up(presented)
    found = await _vault(request).kv_read(presented, f"{ITEMS}/welcome", mount=MOUNT)
    return models.Data(
        message=said("Success!", spoken_by(request)),
        data=models.Facts(
            result=found.data["value"].get_secret_value(),
            timestamp=datetime.now(UTC).isoformat(),
            user=known.user,
            ttl=known.ttl,
            permissions=known.permissions,
        ),
    )


@router.get("/health")
async def health(request: Request) -> models.Health:
    """Whether tokens can be made: Vault answers, and the service's own token lives. 200 while the process does."""
    session: VaultSession = request.app.state.session
    try:
        status, well = _own_token(session), await serves(_vault(request))
    except Problem as problem:
        status, well = f"none: {problem.what}", False
    return models.Health(
        status="healthy" if well else "degraded", vault_addr=_vault(request).addr, renewal_token_status=status
    )


@router.get("/api/token", responses=errors(400, 401, 403, 503))
async def look_up(request: Request, token: TokenHeader = None) -> models.TokenInfo:
    """What Vault says of the token in the header."""
    return await _tokens(request).look_up(_presented(token))


@router.post("/api/token/renew", responses=errors(400, 401, 403, 503))
async def renew_own(request: Request, token: TokenHeader = None) -> models.TokenInfo:
    """Begin the hour of the token in the header anew."""
    presented = _presented(token)
    await _vault(request).renew_self(presented)
    return await _tokens(request).look_up(presented)


@router.post("/api/token/revoke", responses=errors(400, 401, 403, 503))
async def revoke_own(request: Request, token: TokenHeader = None) -> models.TokenActionDone:
    """End the token in the header."""
    presented = _presented(token)
    await _tokens(request).look_up(presented)
    await _vault(request).revoke_self(presented)
    return _done(request, "The token is revoked.")


@router.get("/api/tokens", responses=errors(400, 401, 403, 503))
async def listed(
    request: Request,
    owner: Owner,
    name: Annotated[str, Query(max_length=models.NAME_LENGTH)] = "",
    after: Annotated[Mark, Query(description="`next` of the page before.")] = "",
) -> models.IssuedList:
    """The caller's living tokens, by accessor, a page at a time; those of one name, where one is given."""
    page_of = await _tokens(request).listed(owner, name.strip(), after=after)
    return models.IssuedList(tokens=page_of.tokens, next=page_of.next)


@router.post("/api/tokens/{accessor}/renew", responses=errors(400, 401, 403, 404, 503))
async def renew(request: Request, owner: Owner, accessor: Annotated[Accessor, Path()]) -> models.Issued:
    """Begin the hour of one of the caller's tokens anew."""
    return await _tokens(request).renew(owner, accessor)


@router.delete("/api/tokens/{accessor}", responses=errors(400, 401, 403, 404, 503))
async def revoke(request: Request, owner: Owner, accessor: Annotated[Accessor, Path()]) -> models.TokenActionDone:
    """End one of the caller's tokens."""
    await _tokens(request).revoke(owner, accessor)
    return _done(request, "The token is revoked.")


items = APIRouter(prefix="/api/items", responses=errors(400, 401, 403, 503))
"""The demo's items: each call is made at Vault with the caller's own token, so Vault's policies decide."""


@items.get("")
async def item_keys(request: Request, token: TokenHeader = None) -> models.ItemList:
    """List the items: needs `list`."""
    return models.ItemList(keys=await _vault(request).list_keys(_presented(token), f"{MOUNT}/metadata/{ITEMS}"))


@items.get("/{key}", responses=errors(404))
async def read_item(request: Request, key: models.ItemKey, token: TokenHeader = None) -> models.Item:
    """Read one item: needs `read`."""
    found = await _vault(request).kv_read(_presented(token), f"{ITEMS}/{key}", mount=MOUNT)
    return models.Item(value=found.data["value"].get_secret_value())


@items.put("/{key}", responses=errors(413))
async def write_item(
    request: Request, key: models.ItemKey, body: models.Item, token: TokenHeader = None
) -> models.TokenActionDone:
    """Write one item: needs `create` for a new key, `update` for one that exists."""
    version = await _vault(request).kv_write(_presented(token), f"{ITEMS}/{key}", {"value": body.value}, mount=MOUNT)
    return _done(request, Sentence("Version {version} of {key} is written.", version=version, key=key))


@items.delete("/{key}")
async def delete_item(request: Request, key: models.ItemKey, token: TokenHeader = None) -> models.TokenActionDone:
    """Delete one item with all its versions: needs `delete`."""
    await _vault(request).delete(_presented(token), f"{MOUNT}/metadata/{ITEMS}/{key}")
    return _done(request, Sentence("{key} is deleted.", key=key))


def _done(request: Request, message: str) -> models.TokenActionDone:
    return models.TokenActionDone(success=True, message=said(message, spoken_by(request)))


def _presented(token: str | None) -> SecretStr:
    if token is None or not token.strip():
        raise NO_TOKEN
    return SecretStr(token.strip())


def _own_token(session: VaultSession) -> str:
    """The service's own token, masked, and the seconds it has left. Raises the Problem that took it away."""
    left = session.lease.remaining(time.time())
    return f"{mask(session.token.get_secret_value())}, {f'{left:.0f} s left' if math.isfinite(left) else 'endless'}"


def _tokens(request: Request) -> ApiTokens:
    tokens: ApiTokens = request.app.state.tokens
    return tokens


def _vault(request: Request) -> Vault:
    vault: Vault = request.app.state.vault
    return vault


def _describe_only_what_is_answered(app: FastAPI) -> None:
    """FastAPI describes a 422 everywhere; here what cannot be read is a 400, and the demo asks nobody to sign in."""
    plain = app.openapi

    def described() -> dict[str, Any]:
        schema = plain()
        for operations in schema["paths"].values():
            for operation in operations.values():
                operation["responses"].pop("422", None)
                if app.state.demo and "security" in operation:
                    operation["security"] = [{}, *(way for way in operation["security"] if way)]
        for name in ("HTTPValidationError", "ValidationError"):
            schema.get("components", {}).get("schemas", {}).pop(name, None)
        return schema

    app.openapi = described  # type: ignore[method-assign]
