"""Every attack in the order of the page, and the controls: the same requests with nothing wrong with them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import aclosing
from functools import partial

from app.lab import accounts, inputs, sessions, tokens, vault
from app.lab.arms import AttackTarget, armed
from app.lab.attack import Attack, AttackAnswer, AttackContext, AttackResult, fire
from app.lab.mcp import knock, use
from app.lab.targets import Targets, shared
from app.lab.together import as_they_come

TOGETHER = 4
"""Attacks under way at once."""


async def good_token(shot: AttackContext) -> AttackAnswer:
    """The attacker's own token as it is."""
    return await knock(shot, await shot.arms.server_token("jira"))


async def own_path(shot: AttackContext) -> AttackAnswer:
    """The attacker's own secret."""
    return await vault.ask(shot, "GET", f"secret/data/users/{shot.arms.range.attacker.username}/jira")


async def own_query(shot: AttackContext) -> AttackAnswer:
    """A harmless question."""
    return await use(shot, "postgres", "query", {"sql": "SELECT 1 AS one"})


CONTROLS = (
    Attack("good-token", "control", "nobody.good", "RFC 6750 §2.1", "", good_token, expected="passed"),
    Attack("own-path", "control", "nobody.good", "Vault: templated policies", "", own_path, expected="passed"),
    Attack("own-query", "control", "nobody.good", "PostgreSQL: SELECT", "", own_query, expected="passed"),
)
"""A server that refuses everything blocks every attack: these must get through, or no verdict means anything."""

ATTACKS: tuple[Attack, ...] = (*tokens.ATTACKS, *vault.ATTACKS, *sessions.ATTACKS, *accounts.ATTACKS, *inputs.ATTACKS)

BY_ID = {attack.id: attack for attack in (*CONTROLS, *ATTACKS)}


async def run(
    where: AttackTarget, chosen: Iterable[Attack], targets: Targets | None = None
) -> AsyncGenerator[AttackResult]:
    """Each result as it comes, TOGETHER at once; at the end everything the attacker got is ended.

    Attacks that wait for time to pass begin first.
    """
    ordered = sorted(chosen, key=lambda attack: attack.id != "expired")
    aimed = targets or where.targets
    async with armed(where) as arms, shared(aimed, connections=TOGETHER) as transport:
        works = [partial(_answered, partial(fire, attack, arms, aimed, transport)) for attack in ordered]
        async with aclosing(as_they_come(works, at_once=TOGETHER)) as results:
            async for result in results:
                yield result


async def _answered(send: Callable[[], Awaitable[AttackResult]]) -> AttackResult:
    """What came of an attack, tried once more where nobody answered: a part may be busy, which says nothing of it."""
    result = await send()
    return result if result.status else await send()
