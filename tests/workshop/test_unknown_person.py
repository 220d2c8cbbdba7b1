"""Somebody whom init never provisioned: every page that asks Vault says so in one sentence, and what to do."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from app import agents, audit, my_secrets
from app.lab import rows
from app.process import AppProcess
from fastmcp_vault.errors import Problem
from fastmcp_vault.vault.models import UNKNOWN, UNKNOWN_FIX
from stack.testing import Stack
from tests.support.people import Person
from tests.support.renaming import administrator, made_by_hand
from tests.workshop.conftest import SignIn


async def test_every_page_says_the_same(
    stack: Stack, process: AppProcess, arrive: SignIn, new_person: Callable[[], Person]
) -> None:
    with administrator(stack) as realm, made_by_hand(realm, f"{new_person().username}.by-hand") as person:
        somebody = await arrive(person)
        told: list[Problem | None] = [
            (await my_secrets.look(process, somebody.cookie)).problem,
            (await my_secrets.make_user(process, somebody.cookie)).problem,
            (await agents.get_token(process, somebody.cookie, "worker", None)).problem,
        ]
        with pytest.raises(Problem) as of_audit:
            await audit.look(process, somebody.cookie)
        with pytest.raises(Problem) as of_the_grid:
            _ = [cell async for cell in rows.my_row(process, somebody.cookie, ["alice"])]
        for problem in (*told, of_audit.value, of_the_grid.value):
            assert problem is not None
            assert (problem.code, problem.what, problem.fix) == ("person_unknown", UNKNOWN, UNKNOWN_FIX)
        assert await process.state.vault_tokens.of_session(somebody.sid) == []
