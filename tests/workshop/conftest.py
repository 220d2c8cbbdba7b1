"""Somebody at the workshop: the app's own parts at the real servers, and a session as the sign-in makes it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import pytest

from app import workshop
from app.asgi import opened
from app.process import AppProcess
from app.settings import AppSettings
from app.workshop_checks import ExerciseVerdict
from fastmcp_vault.state import WorkshopProgress
from stack.testing import Stack
from tests.support.login import sign_in
from tests.support.people import Person


@dataclass
class Visitor:
    """One signed-in person, as the page acts for them."""

    process: AppProcess
    person: Person
    cookie: str
    sub: str
    sid: str

    async def check(self, exercise: str, **given: str) -> ExerciseVerdict:
        """Press the button."""
        return await workshop.check(self.process, self.cookie, exercise, given)

    async def progress(self) -> dict[str, WorkshopProgress]:
        """How far this person is."""
        return await workshop.progress(self.process, self.sub)

    async def sign_out(self) -> None:
        """What the button does: the session ends at Keycloak, here, and at every server."""
        ended = await self.process.sessions.end(self.cookie)
        if ended is not None and ended.tokens.refresh_token is not None:
            await self.process.keycloak.end_session(ended.tokens.refresh_token)


@pytest.fixture
async def process(stack: Stack) -> AsyncIterator[AppProcess]:
    """The app's parts in this process."""
    environment = {name.lower(): value for name, value in stack.environment("app").items()}
    known = {name: environment[name] for name in AppSettings.model_fields if name in environment}
    async with opened(AppSettings.model_validate(known)) as made:
        yield made


SignIn = Callable[[Person], Awaitable[Visitor]]


@pytest.fixture
async def arrive(process: AppProcess) -> AsyncIterator[SignIn]:
    """Signs somebody in, and out again at the end."""
    async with AsyncExitStack() as stack:

        @asynccontextmanager
        async def present(person: Person) -> AsyncIterator[Visitor]:
            redirect = process.settings.redirect_uri
            tokens = await sign_in(process.keycloak, person.username, person.password, redirect_uri=redirect)
            claims = await process.validator.validate(tokens.access_token.get_secret_value())
            cookie = await process.sessions.begin(tokens, claims, None)
            visitor = Visitor(process, person, cookie, claims.sub, claims.sid or "")
            yield visitor
            await visitor.sign_out()

        yield lambda person: stack.enter_async_context(present(person))


@pytest.fixture
async def me(arrive: SignIn, person: Person, process: AppProcess) -> Visitor:
    """Somebody of this test's own, signed in, who has not begun (a stack that was kept may remember them)."""
    visitor = await arrive(person)
    await process.state.workshop.reset(visitor.sub)
    return visitor
