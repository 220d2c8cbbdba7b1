"""What an attack is, what came of it, and the one rule by which a real answer becomes a verdict."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from html import unescape
from typing import Any, Literal

import httpx2

from app.lab.arms import AttackerTools
from app.lab.targets import LabTape, Targets, on_tape
from app.texts import t, told_problem
from fastmcp_vault import correlation
from fastmcp_vault.errors import Problem
from fastmcp_vault.masking import mask_text
from fastmcp_vault.tracing import Exchange

Verdict = Literal["blocked", "passed", "unclear"]
"""``unclear``: refused, but for another reason than the one that the attack is about; or not answered at all."""

Party = Literal["keycloak", "mcp", "vault", "postgres", "app", "provider", "nobody"]
PARTIES: tuple[Party, ...] = ("keycloak", "mcp", "vault", "postgres", "app", "provider", "nobody")
"""Who may be guessed; ``nobody``: it gets through."""

SAID_LIMIT = 600

_MARKUP = re.compile(r"<(script|style|head)\b.*?</\1>|<[^>]*>", re.DOTALL | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class AttackAnswer:
    """A server's answer as it bears on an attack: got through, refused, or neither (a failure, say)."""

    status: int
    said: str
    through: bool
    refused: bool


@dataclass(frozen=True, slots=True)
class AttackContext:
    """What an attack function works with: the attacker's arms, the servers to aim at, and a wire that is recorded."""

    arms: AttackerTools
    targets: Targets
    wire: httpx2.AsyncClient


@dataclass(frozen=True, slots=True)
class Attack:
    """One attack. ``layer`` (``party.check``) is what is to stop it, ``sign`` what that layer's answer must hold.

    ``expected`` is ``passed`` only where the lesson is that a check alone is not enough.
    """

    id: str
    group: str
    layer: str
    standard: str
    sign: str
    fire: Callable[[AttackContext], Awaitable[AttackAnswer]]
    expected: Verdict = "blocked"

    @property
    def party(self) -> Party:
        """Who is to stop it."""
        found = self.layer.partition(".")[0]
        return next(party for party in PARTIES if party == found)


@dataclass(frozen=True, slots=True)
class AttackResult:
    """What really came of an attack, masked. ``at``: seconds since the epoch; ``duration_ms``: the last request's."""

    attack: str
    verdict: Verdict
    status: int
    said: str
    correlation_id: str
    at: float
    duration_ms: float
    exchanges: tuple[Exchange, ...] = field(default=(), repr=False)


def verdict(attack: Attack, answer: AttackAnswer) -> Verdict:
    """Blocked only by a refusal that names the attack's own reason; anything that got through has passed."""
    if answer.through:
        return "passed"
    if answer.refused and re.search(attack.sign, answer.said, re.IGNORECASE):
        return "blocked"
    return "unclear"


async def fire(
    attack: Attack, arms: AttackerTools, targets: Targets, transport: httpx2.AsyncBaseTransport
) -> AttackResult:
    """Send one attack at ``targets`` by ``transport``, and judge the answer.

    A problem on the way is no verdict on the defence: ``unclear``.
    """
    tape, known = LabTape(), uuid.uuid4().hex
    at = time.time()
    try:
        with correlation.carrying(known):
            answer = await attack.fire(AttackContext(arms, targets, on_tape(transport, tape)))
        found, status, said = verdict(attack, answer), answer.status, answer.said
    except Problem as problem:
        found, status, said = "unclear", 0, told_problem(problem)
    except (httpx2.HTTPError, ValueError, KeyError) as error:
        found, status, said = "unclear", 0, t("lab.no-answer", error=type(error).__name__)
    return AttackResult(
        attack=attack.id,
        verdict=found,
        status=status,
        said=mask_text(said, limit=SAID_LIMIT),
        correlation_id=known,
        at=at,
        duration_ms=tape.exchanges[-1].duration_ms or 0.0 if tape.exchanges else 0.0,
        exchanges=tuple(tape.exchanges),
    )


def tool_answer(response: httpx2.Response) -> AttackAnswer:
    """An MCP server's answer: a refusal by its door (RFC 6750 §3), or by the tool itself (``isError``)."""
    body = json_body(response)
    result = body.get("result")
    if response.status_code == httpx2.codes.OK and isinstance(result, dict):
        words = " ".join(str(part.get("text", "")) for part in result.get("content", []) if isinstance(part, dict))
        wrong = bool(result.get("isError"))
        return AttackAnswer(response.status_code, words or response.text[:SAID_LIMIT], through=not wrong, refused=wrong)
    said = str(body.get("error_description") or response.headers.get("www-authenticate") or response.text)
    return AttackAnswer(response.status_code, said, through=False, refused=400 <= response.status_code < 500)


def plain_answer(response: httpx2.Response) -> AttackAnswer:
    """Vault's, Keycloak's or the app's answer: 2xx is through, 4xx is refused, anything else neither.

    Its words: Vault's ``errors``, OAuth's ``error`` and ``error_description`` (RFC 6749 §5.2), else the text.
    """
    body = json_body(response)
    errors = body.get("errors")
    words = [*map(str, errors)] if isinstance(errors, list) else []
    words += [str(body[name]) for name in ("error", "error_description") if name in body]
    status, said = response.status_code, " · ".join(" ".join(word.split()) for word in words)
    return AttackAnswer(status, said or _text(response), response.is_success, 400 <= status < 500)


def _text(response: httpx2.Response) -> str:
    """An answer's text; of a page only what a person reads."""
    if "html" not in response.headers.get("content-type", ""):
        return response.text
    return " ".join(unescape(_MARKUP.sub(" ", response.text)).split())


def json_body(response: httpx2.Response) -> dict[str, Any]:
    """The body as a JSON object; an empty one when it is none."""
    try:
        body = response.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
