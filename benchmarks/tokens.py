"""What checking an agent's token costs, against bare PyJWT doing the same: ``python -m benchmarks.tokens``.

The two take turns in one run, so that the machine's other work meets both. Verification alone: no HTTP, no Redis.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace

import jwt
from cryptography import x509
from pydantic import SecretStr

from common.command import run as run_command
from services.agents.certificates import AgentCertificate
from services.agents.keys import SigningKeyRing
from services.agents.tokens import Verifier, mint

KEY = "a-key-for-measuring-of-more-than-32-bytes"
ISSUER, AUDIENCE = "https://localhost:8443", "biz-service"
ROUNDS, CALLS = 15, 400


async def measure() -> dict[str, float]:
    """Microseconds per check, the median over all rounds."""
    ring = SigningKeyRing.fixed(SecretStr(KEY))
    key = (await ring.pair()).current
    now = time.time()
    agent = AgentCertificate("bench", frozenset({"agent:commands"}), "x" * 43, _NO_CERTIFICATE, now, now + 3600)
    tokens = [
        mint(
            key,
            replace(agent, name=f"bench-{number}"),
            scopes=agent.scopes,
            issuer=ISSUER,
            audience=AUDIENCE,
            lifetime=3000,
            now=now,
        )[0]
        for number in range(CALLS)
    ]

    async def bare(token: str) -> None:
        jwt.decode(token, KEY, ["HS256"], audience=AUDIENCE, issuer=ISSUER, options={"require": ["exp", "jti"]})

    known = Verifier(ring, issuer=ISSUER, audience=AUDIENCE)
    took: dict[str, list[float]] = {"PyJWT": [], "first sight": [], "seen before": []}
    for _ in range(ROUNDS):
        new = Verifier(ring, issuer=ISSUER, audience=AUDIENCE)
        took["PyJWT"].append(await _timed(bare, tokens))
        took["first sight"].append(await _timed(new.verify, tokens))
        took["seen before"].append(await _timed(known.verify, tokens))
    return {name: statistics.median(values) for name, values in took.items()}


async def _timed(check: Callable[[str], Awaitable[object]], tokens: list[str]) -> float:
    began = time.perf_counter()
    for token in tokens:
        await check(token)
    return (time.perf_counter() - began) / len(tokens) * 1_000_000


_NO_CERTIFICATE: x509.Certificate = None  # type: ignore[assignment] # only its names are read when a token is made


def main() -> None:
    """Print the table."""
    found = asyncio.run(measure())
    for name, microseconds in found.items():
        print(f"{name:<12} {microseconds:6.1f} µs   {microseconds / found['PyJWT']:.2f} of PyJWT")


if __name__ == "__main__":
    sys.exit(run_command(main))
