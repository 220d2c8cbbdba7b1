"""POST /auth/draft: what was typed is kept for its person's way back, from this app's own pages only."""

from __future__ import annotations

import json

import pytest
import requests

from app.drafts import LIMIT, take
from app.session import COOKIE
from stack.testing import Stack
from tests.app.serving import cookie_of, process_of
from tests.support.people import Person


async def test_what_is_kept_is_handed_out_once_and_to_its_person(stack: Stack, person: Person) -> None:
    typed = {"arg.jira.get_issue.issue_key": "PROJ-1"}
    async with process_of(stack) as process:
        cookie = await cookie_of(process, stack, person)
        session = await process.sessions.renewed(cookie)
        assert posted(stack, cookie, json.dumps(typed)) == 204
        assert await take(process, session.sub) == typed
        assert await take(process, session.sub) == {}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("[]", 400),
        ("{", 400),
        ('{"other.key": "x"}', 400),
        ('{"arg.jira.get_issue.issue_key": {}}', 400),
        ("x" * (LIMIT + 1), 413),
        ('{"arg.a.b.c": "x"}', 401),
    ],
)
def test_anything_else_is_refused(stack: Stack, body: str, status: int) -> None:
    assert posted(stack, "nobody", body) == status


def test_other_sites_may_not(stack: Stack) -> None:
    assert posted(stack, "nobody", "{}", origin="http://evil.example") == 403


def posted(stack: Stack, cookie: str, body: str, *, origin: str = "") -> int:
    """The status."""
    headers = {"Origin": origin or stack.url("app"), "Sec-Fetch-Site": "same-origin"}
    url = f"{stack.url('app')}/auth/draft"
    return requests.post(url, data=body, headers=headers, cookies={COOKIE: cookie}, timeout=10).status_code
