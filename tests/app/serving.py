"""The app's own parts on the stack's servers, in this process; and people signed in there without a browser."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.asgi import opened
from app.process import AppProcess
from app.settings import AppSettings
from stack.testing import Stack
from tests.support.login import sign_in
from tests.support.people import Person


@asynccontextmanager
async def process_of(stack: Stack, **changes: str) -> AsyncIterator[AppProcess]:
    """One more process of the app, as far as pages see it."""
    environment = {**stack.environment("app"), **changes}
    settings = AppSettings(**{name.lower(): value for name, value in environment.items()})  # type: ignore[arg-type]
    async with opened(settings) as process:
        yield process


async def cookie_of(process: AppProcess, stack: Stack, person: Person) -> str:
    """``person``, signed in: their cookie."""
    back = f"{stack.url('app')}/auth/callback"
    tokens = await sign_in(process.keycloak, person.username, person.password, redirect_uri=back)
    claims = await process.validator.validate(tokens.access_token.get_secret_value())
    return await process.sessions.begin(tokens, claims, None)
