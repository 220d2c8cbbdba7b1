"""``python -m services.token_api``: serves the token API, keeps its own token alive, and ends when that is lost."""

from __future__ import annotations

import asyncio
import logging
import sys
from contextlib import AsyncExitStack

from common import logs
from common.command import run as run_command
from common.settings import SERVER_AUDIENCE_PREFIX, load
from fastmcp_vault import telemetry
from fastmcp_vault.backoff import Backoff
from fastmcp_vault.errors import ConfigError, Problem, StateUnavailable, VaultDenied
from fastmcp_vault.oidc.validation import TokenValidator
from fastmcp_vault.state import State
from fastmcp_vault.vault import Persistence, Vault, VaultSession, logins
from services.serving import Endpoint, serve
from services.token_api.app import build
from services.token_api.callers import AUDIENCE, Callers
from services.token_api.settings import TokenApiSettings
from services.token_api.suspended import SuspendedOwners
from services.token_api.tokens import ApiTokens

log = logging.getLogger(__name__)

LOOK_SECONDS = 10.0
"""How often the service looks at its own token."""

FRACTION = 2 / 3
"""How much of its life is gone when it is renewed: with 60 s, at 20 s left."""


async def run(settings: TokenApiSettings) -> None:
    """Serve until told to stop. Raises ConfigError when RENEWAL_TOKEN is no good, at the start or later."""
    if not settings.renewal_token.get_secret_value().strip():
        raise ConfigError("RENEWAL_TOKEN is not set.", fix="Give a periodic or renewable Vault token.")
    async with AsyncExitStack() as stack:
        vault = Vault(settings.vault_addr)
        stack.push_async_callback(vault.close)
        try:
            session = await stack.enter_async_context(_kept_alive(settings, vault))
        except Problem as problem:
            raise _useless(problem) from problem
        _tell(session)
        validator = TokenValidator(
            issuer=settings.issuer, jwks_url=settings.jwks_url, audience=AUDIENCE, exclusive=SERVER_AUDIENCE_PREFIX
        )
        stack.push_async_callback(validator.close)
        state = State(settings.state_dsn, application_name="token-api")
        stack.push_async_callback(state.close)
        await state.open()
        demo = settings.profile == "demo"
        app = build(vault, session, Callers(validator, state, demo=demo), hosts=settings.hosts, demo=demo)
        owners = SuspendedOwners(state, ApiTokens(vault, session), issuer=settings.issuer)
        catching_up = asyncio.create_task(_caught_up(owners))
        stack.callback(catching_up.cancel)
        stopping = asyncio.Event()
        lost = asyncio.create_task(_stop_when_lost(session, stopping))
        await serve([Endpoint("token-api", app, settings.bind_host, settings.token_api_port)], stopping)
        if lost.done():
            raise _useless(lost.result()) from lost.result()
        lost.cancel()


async def _caught_up(owners: SuspendedOwners) -> None:
    backoff = Backoff(first=0.2, longest=5.0)
    while True:
        try:
            return await owners.end_all()
        except StateUnavailable:
            await asyncio.sleep(backoff.failed())


def _kept_alive(settings: TokenApiSettings, vault: Vault) -> VaultSession:
    return VaultSession(
        vault,
        logins.token(settings.renewal_token),
        fraction=FRACTION,
        check_every=LOOK_SECONDS,
        # Vault may be away for a while, and comes back; a token that it refused does not.
        persistence=Persistence(from_the_start=True, through_refusals=False),
        # Whoever made the token may start this service with it again.
        revoke_at_end=False,
    )


def _tell(session: VaultSession) -> None:
    try:
        lease = session.lease
    except Problem as problem:
        log.warning("Vault cannot be asked about RENEWAL_TOKEN yet; it goes on trying. %s", problem)
    else:
        log.info("RENEWAL_TOKEN is good: it lives %.0f s and is renewed before that", lease.duration)


async def _stop_when_lost(session: VaultSession, stopping: asyncio.Event) -> Problem:
    problem = await session.over()
    stopping.set()
    return problem


def _useless(problem: Problem) -> ConfigError:
    why = "Vault does not know it" if isinstance(problem, VaultDenied) else problem.what.rstrip(".")
    return ConfigError(f"RENEWAL_TOKEN cannot be used: {why}.", fix="Give a new one, and start the service again.")


def main() -> int:
    """0 after an orderly stop, 1 with a sentence when it cannot go on."""
    logs.set_up("token-api")
    try:
        telemetry.start("token-api")
        asyncio.run(run(load(TokenApiSettings)))
    except Problem as problem:
        log.error("%s", problem)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(run_command(main))
