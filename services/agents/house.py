"""What both services stand on, opened once per process: Vault, keys, the servers' certificate, revocations, state."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import TypeVar

from pydantic import SecretStr

from common.tls import TlsIdentity, new_key, present, server_context
from common.vault_login import own_login
from fastmcp_vault.backoff import Backoff
from fastmcp_vault.errors import Problem
from fastmcp_vault.state import State
from fastmcp_vault.vault.client import Vault
from fastmcp_vault.vault.ocsp import Revocations
from fastmcp_vault.vault.session import Persistence, VaultSession
from services.agents import keys
from services.agents.active import ActiveTokens
from services.agents.errors import Unavailable
from services.agents.keys import KeyPair, SigningKeyRing
from services.agents.settings import AgentsSettings
from services.agents.tokens import Verifier

MOUNT = "pki-agents"
KEY_PATH = "services/agent-jwt"
CERTIFICATE_HOURS = 24
TRUST_SECONDS = 5.0
"""How long a certificate that was found good counts as such on the business service; the auth server asks each time."""

T = TypeVar("T")
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class AgentServices:
    """The shared parts. ``tls`` and ``revocations`` are there unless mutual TLS is switched off."""

    settings: AgentsSettings
    keys: SigningKeyRing
    verifier: Verifier
    state: State
    active: ActiveTokens | None
    tls: ssl.SSLContext | None = None
    revocations: Revocations | None = None
    lately: Revocations | None = None
    """The same, with answers that may be some seconds old."""


@asynccontextmanager
async def opened(settings: AgentsSettings) -> AsyncIterator[AgentServices]:
    """All of it, for as long as the block runs. Waits for Vault, saying so, as long as that takes."""
    async with AsyncExitStack() as stack:
        state = await stack.enter_async_context(State(settings.state_dsn, application_name="agents"))
        active = ActiveTokens(settings) if settings.use_redis else None
        if active is not None:
            stack.push_async_callback(active.close)
        session = vault = None
        if settings.needs_vault:
            vault = Vault(settings.vault_addr)
            stack.push_async_callback(vault.close)
            login = own_login(settings, settings.vault_role_id, settings.vault_secret_id)
            patient = Persistence(from_the_start=True)
            session = await stack.enter_async_context(VaultSession(vault, login, persistence=patient))
        ring = SigningKeyRing.fixed(settings.jwt_secret_key) if settings.jwt_secret_key else _from_vault(vault, session)
        stack.push_async_callback(ring.close)
        verifier = Verifier(ring, issuer=settings.agent_auth_public_url.rstrip("/"), audience=settings.agent_audience)
        house = AgentServices(settings, ring, verifier, state, active)
        if vault is not None and session is not None and settings.biz_service_tls_port:
            house = await _with_tls(house, vault, session, stack)
        yield house


def _from_vault(vault: Vault | None, session: VaultSession | None) -> SigningKeyRing:
    async def fetch() -> KeyPair:
        if vault is None or session is None:
            raise Unavailable("This process was started without Vault.")
        return keys.from_vault((await vault.kv_read(session.token, KEY_PATH)).texts)

    return SigningKeyRing(fetch)


async def _with_tls(house: AgentServices, vault: Vault, session: VaultSession, stack: AsyncExitStack) -> AgentServices:
    async def sign() -> TlsIdentity:
        return await _certificate(vault, session.token, house.settings)

    identity = await _until_it_works("get a certificate from Vault", sign)
    context = server_context(identity)
    task = asyncio.create_task(_renew(context, identity, sign))
    stack.callback(task.cancel)
    made = []
    for trust_for in (0.0, TRUST_SECONDS):
        one = Revocations(vault.addr, mount=MOUNT, authority=identity.issuer, trust_for=trust_for)
        stack.push_async_callback(one.close)
        made.append(one)
    return replace(house, tls=context, revocations=made[0], lately=made[1])


async def _certificate(vault: Vault, token: SecretStr, settings: AgentsSettings) -> TlsIdentity:
    """The servers' own certificate, for the key made here (Vault API: POST pki/sign/:role)."""
    key, request = new_key()
    names = ["agents", "agent-auth", "biz-service"]
    asked = {
        "csr": request,
        "common_name": "localhost",
        "alt_names": ",".join(names),
        "ip_sans": "127.0.0.1",
        "ttl": f"{CERTIFICATE_HOURS}h",
    }
    signed = await vault.write(token, f"{MOUNT}/sign/agent-services", asked)
    return TlsIdentity(key, f"{signed['certificate']}\n{signed['issuing_ca']}", signed["issuing_ca"])


async def _renew(context: ssl.SSLContext, identity: TlsIdentity, sign: Callable[[], Awaitable[TlsIdentity]]) -> None:
    """Show a new certificate once two thirds of the last one's life are gone; open connections keep theirs."""
    while True:
        certificate = identity.certificate
        life = certificate.not_valid_after_utc - certificate.not_valid_before_utc
        await asyncio.sleep(life.total_seconds() * 2 / 3)
        identity = await _until_it_works("renew the certificate", sign)
        present(context, identity)
        log.info("The servers' certificate was renewed.")


async def _until_it_works(what: str, attempt: Callable[[], Awaitable[T]]) -> T:
    """Vault may come up, and be provisioned, after this process."""
    backoff = Backoff()
    while True:
        try:
            return await attempt()
        except Problem as problem:
            pause = backoff.failed()
            if pause > 1:
                log.warning("Could not %s yet: %s", what, problem)
            await asyncio.sleep(pause)
