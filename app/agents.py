"""A person's own agents: certificates from Vault, tokens by mutual TLS, calls with them. Knows no Streamlit."""

from __future__ import annotations

import time
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import httpx2
from pydantic import SecretStr

from app.actions import signed_in
from app.person_vault import PersonLogin
from app.process import AppProcess
from app.sessions import Session
from app.texts import language, t
from common.tls import TlsIdentity, client_context, new_key
from fastmcp_vault import tracing
from fastmcp_vault.errors import BackendRefused, BackendUnavailable, InputError, Problem
from fastmcp_vault.http import CONNECT_SECONDS
from fastmcp_vault.oidc.tokens import unverified_claims
from fastmcp_vault.tracing import Recorder, Trace
from fastmcp_vault.tracing.recorder import open_step
from fastmcp_vault.tracing.wire import TracedTransport

SERVER = "agents"
"""The part of a trace that belongs to the agent."""

KINDS: Mapping[str, tuple[str, ...]] = {
    "worker": ("agent:commands", "agent:results"),
    "reader": ("agent:commands",),
    "dispatcher": ("agent:dispatch",),
}
"""The agents that Vault lets each person have, and the scopes that their certificates are asked for with."""

Manner = Literal["mutual-tls", "no-certificate", "plain"]
MANNERS: tuple[Manner, ...] = ("mutual-tls", "no-certificate", "plain")
"""How a call is sent: with the agent's certificate, over TLS without it, or over plain HTTP."""

ENDPOINTS: Mapping[str, tuple[str, str, str]] = {
    "whoami": ("GET", "/api/whoami", ""),
    "token-info": ("GET", "/api/token-info", ""),
    "commands": ("GET", "/api/commands", "agent:commands"),
    "config": ("GET", "/api/config", "agent:commands"),
    "results": ("POST", "/api/results", "agent:results"),
    "dispatch": ("POST", "/api/commands", "agent:dispatch"),
}
"""Method, path and needed scope of each endpoint of the business service."""

_MOUNT = "pki-agents"
_AGENT, _SCOPE = "urn:mcp-remote-vault:agent:", "urn:mcp-remote-vault:scope:"
_TIMEOUT = httpx2.Timeout(10.0, connect=CONNECT_SECONDS)


@dataclass(frozen=True, slots=True)
class HeldCertificate:
    """One agent as this page keeps it. Its key never left this process. ``until``: seconds since the epoch."""

    kind: str
    name: str
    identity: TlsIdentity = field(repr=False)
    token: SecretStr = field(default=SecretStr(""), repr=False)
    until: float = 0.0
    scopes: tuple[str, ...] = ()
    revoked: bool = False

    @property
    def owner(self) -> str:
        """Vault's name of the person whose agent it is."""
        return self.name.partition(":")[0]

    @property
    def serial(self) -> str:
        """The certificate's serial number, in hexadecimal."""
        return f"{self.identity.certificate.serial_number:x}"

    @property
    def certificate_until(self) -> float:
        """When the certificate ends, in seconds since the epoch."""
        return self.identity.certificate.not_valid_after_utc.timestamp()


@dataclass(frozen=True, slots=True)
class AgentOutcome:
    """What an action came to: its trace, the agent as it is now, and the answer, or why there is none."""

    trace: Trace
    held: HeldCertificate | None
    status: int = 0
    answer: Any = None
    problem: Problem | None = None


async def get_token(process: AppProcess, cookie: str, kind: str, held: HeldCertificate | None) -> AgentOutcome:
    """A token for the person's agent of this kind, with its certificate: the one it has, or a new one from Vault."""
    recorder = Recorder(t("action.agent-token", agent=t(f"agents.kind.{kind}")))
    with tracing.recording(recorder):
        try:
            session = await signed_in(process, cookie)
            if held is None or held.certificate_until - time.time() < 60:
                held = await _certified(process, session, kind)
            elif (current := tracing.current()) is not None:
                since = held.identity.certificate.not_valid_before_utc.timestamp()
                current.note("agent-certificate", server=SERVER).reused(since=since, until=held.certificate_until)
            held = await _token(process, held)
        except Problem as problem:
            return AgentOutcome(recorder.trace, held, problem=problem)
    return AgentOutcome(recorder.trace, held, 200)


async def call(
    process: AppProcess, cookie: str, held: HeldCertificate, endpoint: str, manner: Manner, body: Any = None
) -> AgentOutcome:
    """One call of the business service with the agent's token. A refusal is an answer too."""
    method, path, _ = ENDPOINTS[endpoint]
    recorder = Recorder(t("action.agent-call", method=method, path=path))
    base = process.settings.biz_service_url if manner == "plain" else process.settings.biz_service_tls_url

    async def send() -> AgentOutcome:
        await signed_in(process, cookie)
        recorder.protect(held.token.get_secret_value())
        identity = held.identity if manner == "mutual-tls" else None
        headers = {"Authorization": f"Bearer {held.token.get_secret_value()}"}
        with tracing.step("agent-call", server=SERVER) as opened:
            answer = await _send(held, identity, method, f"{base.rstrip('/')}{path}", headers=headers, json=body)
            content = _content(answer)
            if answer.status_code >= 400:
                opened.fail(BackendRefused(_refusal(content), fix=t("step.agent-refused")))
            else:
                opened.say(t("step.agent-called", path=path, agent=held.name))
        return AgentOutcome(recorder.trace, held, answer.status_code, content)

    return await _recorded(recorder, held, send)


async def revoke(process: AppProcess, cookie: str, held: HeldCertificate) -> AgentOutcome:
    """End the agent's token (RFC 7009), by its own certificate. The token is kept, to see that it is refused now."""
    recorder = Recorder(t("action.agent-revoke", agent=held.name))

    async def send() -> AgentOutcome:
        await signed_in(process, cookie)
        recorder.protect(held.token.get_secret_value())
        with tracing.step("agent-revoke", server=SERVER) as opened:
            url = f"{process.settings.agent_auth_url.rstrip('/')}/oauth2/revoke"
            answer = await _send(held, held.identity, "POST", url, data={"token": held.token.get_secret_value()})
            if answer.status_code != 200:
                raise BackendRefused(_refusal(_content(answer)))
            opened.say(t("step.agent-revoked"))
        return AgentOutcome(recorder.trace, replace(held, revoked=True), 200)

    return await _recorded(recorder, held, send)


async def _recorded(
    recorder: Recorder, held: HeldCertificate, work: Callable[[], Coroutine[Any, Any, AgentOutcome]]
) -> AgentOutcome:
    with tracing.recording(recorder):
        try:
            return await work()
        except Problem as problem:
            return AgentOutcome(recorder.trace, held, problem=problem)


async def _certified(process: AppProcess, session: Session, kind: str) -> HeldCertificate:
    """A key made here and a certificate for it that Vault fills the person's name into (Vault API: pki/sign/:role)."""
    key, request = new_key()

    async def sign(own: PersonLogin) -> HeldCertificate:
        # Vault's name of the person, which stays when Keycloak's changes, and which the certificate's role demands.
        name = f"{own.entity.name}:{kind}"
        uris = [_AGENT + name, *(_SCOPE + scope for scope in KINDS[kind])]
        with tracing.step("agent-certificate", server=SERVER) as opened:
            asked = {"csr": request, "uri_sans": ",".join(uris)}
            signed = await process.vault.write(own.login.token, f"{_MOUNT}/sign/person-agent", asked)
            held = HeldCertificate(
                kind, name, TlsIdentity(key, f"{signed['certificate']}\n{signed['issuing_ca']}", signed["issuing_ca"])
            )
            opened.valid(until=held.certificate_until)
            opened.detail(agent=name, scopes=list(KINDS[kind]), serial_number=held.serial)
            opened.say(t("step.agent-certificate", agent=name))
        return held

    return await process.person_vault.use(session, sign, part=SERVER)


async def _token(process: AppProcess, held: HeldCertificate) -> HeldCertificate:
    url = f"{process.settings.agent_auth_url.rstrip('/')}/oauth2/token"
    with tracing.step("agent-token", server=SERVER) as opened:
        answer = await _send(held, held.identity, "POST", url, data={"grant_type": "client_credentials"})
        body = _content(answer)
        if answer.status_code != 200 or not isinstance(body, dict) or "access_token" not in body:
            raise BackendRefused(_refusal(body), fix=t("step.agent-token-refused"))
        token = SecretStr(str(body["access_token"]))
        opened.protect(token.get_secret_value())
        claims = unverified_claims(token)
        opened.valid(until=claims.get("exp"))
        opened.detail(claims=claims)
        opened.say(t("step.agent-token", agent=held.name, scope=body.get("scope", "")))
    scopes = tuple(str(body.get("scope", "")).split())
    return replace(held, token=token, until=float(claims.get("exp", 0)), scopes=scopes, revoked=False)


class _Handshake:
    """Times the TLS handshake of one request, from httpx's own events."""

    def __init__(self) -> None:
        self.began = self.ended = 0.0

    async def __call__(self, event: str, _: Any) -> None:
        if event == "connection.start_tls.started":
            self.began = time.time()
        elif event == "connection.start_tls.complete":
            self.ended = time.time()

    def record(self, response: httpx2.Response, held: HeldCertificate, *, proved: bool) -> None:
        """A step of its own: what the two sides proved to each other. The request itself went out after it."""
        recorder, tls = tracing.current(), response.extensions["network_stream"].get_extra_info("ssl_object")
        around = open_step()
        if recorder is None or tls is None or around is None:
            return
        kind = "mutual-tls-call" if around.step.kind == "agent-call" else "mutual-tls"
        opened = recorder.note(kind, server=SERVER)
        opened.step.started_at, opened.step.duration_ms = self.began, (self.ended - self.began) * 1000
        request = around.step.exchanges[-1]
        request.duration_ms = max(0.0, (request.duration_ms or 0.0) - (self.ended - request.started_at) * 1000)
        request.started_at = self.ended
        cipher = tls.cipher()
        opened.detail(
            protocol=tls.version(),
            cipher=cipher[0] if cipher else "",
            server=dict(pair for part in tls.getpeercert().get("subjectAltName", ()) for pair in [part[::-1]]),
            agents_certificate=held.serial if proved else t("value.none"),
        )
        opened.say(t("step.mutual-tls", agent=held.name) if proved else t("step.tls-only"))
        recorder.extend([])


async def _send(
    held: HeldCertificate, identity: TlsIdentity | None, method: str, url: str, **request: Any
) -> httpx2.Response:
    """One request on a connection of its own, so that each shows its handshake. Raises BackendUnavailable."""
    handshake = _Handshake()
    context = client_context(held.identity.authority, identity) if url.startswith("https:") else True
    transport = TracedTransport(httpx2.AsyncHTTPTransport(verify=context))
    spoken = {"Accept-Language": language()}
    async with httpx2.AsyncClient(transport=transport, timeout=_TIMEOUT, trust_env=False, headers=spoken) as http:
        try:
            response = await http.request(method, url, extensions={"trace": handshake}, **request)
        except (httpx2.HTTPError, OSError) as error:
            raise BackendUnavailable(t("agents.unreachable"), fix=t("problem.agents.fix")) from error
        if handshake.ended:
            handshake.record(response, held, proved=identity is not None)
        return response


def command_body(text: str, agent: str) -> dict[str, Any]:
    """What a dispatcher sends. Raises InputError for an empty command."""
    if not text.strip():
        raise InputError(t("agents.command.missing"))
    return {"agent": agent, "command": text.strip()}


def _content(answer: httpx2.Response) -> Any:
    try:
        return answer.json()
    except ValueError:
        return answer.text[:2000]


def _refusal(content: Any) -> str:
    if isinstance(content, dict) and "error" in content:
        # Not "name: value": beside a name such as `invalid_token` a value would be masked.
        return f"{content.get('error_description') or content.get('message') or ''} ({content['error']})"
    return t("agents.odd-answer")
