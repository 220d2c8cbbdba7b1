"""Rate limits of GitHub and Jira: what is short is waited out, of what is long the time is told."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from email.utils import formatdate

import pytest
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from fastmcp_vault.errors import BackendUnavailable
from mcp_servers import github_api
from mcp_servers.github_api import GitHub
from mcp_servers.limits import limit_in
from mcp_servers.rest import Rest
from tests.mcp_servers.serving import served

NOW = 1_790_000_000.0
SECONDARY = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."


def iso(moment: float, *, pattern: str = "%Y-%m-%dT%H:%M:%SZ") -> str:
    return datetime.fromtimestamp(moment, UTC).strftime(pattern)


@pytest.mark.parametrize(
    ("status", "headers", "words", "wait"),
    [
        # GitHub: primary, secondary with and without a time, abuse detection
        (403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(NOW + 2700))}, "", 2700),
        (429, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(NOW + 2700))}, "", 2700),
        (403, {"retry-after": "60"}, SECONDARY, 60),
        (403, {}, SECONDARY, 60),
        (403, {"x-ratelimit-remaining": "42", "x-ratelimit-reset": str(int(NOW + 2700))}, SECONDARY, 60),
        (403, {}, "You have triggered an abuse detection mechanism.", 60),
        (403, {}, "API rate limit exceeded for user ID 1.", 60),
        # Retry-After before the reset, and as an HTTP date
        (429, {"retry-after": "30", "x-ratelimit-reset": str(int(NOW + 2700))}, "", 30),
        (429, {"retry-after": formatdate(NOW + 600, usegmt=True)}, "", 600),
        (429, {"retry-after": formatdate(NOW - 600, usegmt=True)}, "", 0),
        # Jira: ISO 8601 to the minute or the second, the reason; Data Center's 0
        (429, {"x-ratelimit-reset": iso(NOW + 1800), "ratelimit-reason": "jira-quota-based"}, "", 1800),
        (429, {"x-ratelimit-reset": iso(NOW + 1800, pattern="%Y-%m-%dT%H:%MZ")}, "", 1800 - NOW % 60),
        (429, {"retry-after": "0", "x-ratelimit-remaining": "1"}, "", 0),
        (503, {"retry-after": "12"}, "", 12),
        # as milliseconds, and as a duration
        (429, {"x-ratelimit-reset": str(int((NOW + 90) * 1000))}, "", 90),
        (429, {"x-ratelimit-reset": "90"}, "", 90),
        # nonsense
        (429, {"retry-after": "soon", "x-ratelimit-reset": "-1"}, "", 60),
        (429, {"retry-after": "nan"}, "", 60),
        (429, {"retry-after": "9" * 30}, "", 60),
        (429, {}, "", 60),
    ],
)
def test_each_way_of_telling_a_limit_is_read(status: int, headers: Mapping[str, str], words: str, wait: float) -> None:
    limit = limit_in(status, headers, words, now=NOW)
    assert limit is not None
    assert limit.wait == pytest.approx(wait)
    assert limit.at == pytest.approx(NOW + wait)
    assert limit.reason == headers.get("ratelimit-reason", "")


@pytest.mark.parametrize(
    ("status", "headers", "words"),
    [
        (403, {}, "Resource not accessible by personal access token"),
        (403, {"x-ratelimit-remaining": "4999"}, "Must have admin rights to Repository."),
        (404, {"x-ratelimit-remaining": "0"}, "Not Found"),
        (503, {}, "rate limit"),
        (500, {"retry-after": "5"}, ""),
    ],
)
def test_any_other_refusal_is_no_limit(status: int, headers: Mapping[str, str], words: str) -> None:
    assert limit_in(status, headers, words, now=NOW) is None


@pytest.mark.parametrize("skew", [-7200.0, -90.0, 90.0, 7200.0])
def test_a_clock_that_differs_changes_nothing(skew: float) -> None:
    """Reset and date are by the same clock, so the answer's own date is what the reset is compared with."""
    there = NOW + skew
    headers = {"date": formatdate(there, usegmt=True), "x-ratelimit-reset": str(int(there + 300))}
    limit = limit_in(429, headers, "", now=NOW)
    assert limit is not None
    assert limit.wait == pytest.approx(300)
    assert limit.at == pytest.approx(NOW + 300)


@pytest.mark.parametrize(
    ("wait", "advice"),
    [
        (7, "Try again in 7 s."),
        (2700, "Try again in 45 min, at {at:%H:%M} UTC."),
        (3 * 3600 + 60, "Try again in 3 h 1 min, at {at:%H:%M} UTC."),
        (26 * 3600, "Try again in 26 h, at {at:%Y-%m-%d %H:%M} UTC."),
        (4 * 86_400, "Try again in 4 days, at {at:%Y-%m-%d %H:%M} UTC."),
    ],
)
def test_the_time_is_told_with_its_zone(wait: float, advice: str) -> None:
    limit = limit_in(429, {"retry-after": str(wait)}, "", now=NOW)
    assert limit is not None
    assert limit.advice == advice.format(at=datetime.fromtimestamp(NOW + wait, UTC))


class Limited:
    """A back end that limits the first ``times`` requests."""

    def __init__(self) -> None:
        self.times, self.status = 1, 403
        self.headers: dict[str, str] = {}
        self.seen: list[str] = []

    async def answer(self, request: Request) -> Response:
        self.seen.append(request.method)
        if len(self.seen) <= self.times:
            return JSONResponse({"message": SECONDARY}, self.status, headers=self.headers)
        return JSONResponse({"full_name": "a/b", "private": False, "number": 1, "title": "t", "state": "open"})


@pytest.fixture
async def limited() -> AsyncIterator[tuple[Limited, GitHub]]:
    behaviour = Limited()
    routes = [Route("/{path:path}", behaviour.answer, methods=["GET", "POST"])]
    async with served(Starlette(routes=routes)) as address:
        rest = Rest(address, server="github", name="GitHub", timeout=2, words=github_api.words)
        yield behaviour, GitHub(rest, token=SecretStr("ghp_averysecrettokenindeed"))
        await rest.close()


@pytest.mark.parametrize("headers", [{"retry-after": "1"}, {"retry-after": "0"}])
async def test_a_short_limit_is_waited_out(limited: tuple[Limited, GitHub], headers: dict[str, str]) -> None:
    back, github = limited
    back.headers = headers
    assert (await github.repository("a", "b")).full_name == "a/b"
    assert back.seen == ["GET", "GET"]


async def test_a_limit_that_does_not_end_is_told_after_a_few_tries(limited: tuple[Limited, GitHub]) -> None:
    back, github = limited
    back.times, back.headers = 1_000, {"retry-after": "0"}
    with pytest.raises(BackendUnavailable, match="GitHub limits how often it may be asked"):
        await github.repository("a", "b")
    assert len(back.seen) == 3


@pytest.mark.parametrize(
    ("headers", "says"),
    [
        ({"retry-after": "60"}, "Try again in 60 s."),
        ({}, "Try again in 60 s."),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "{in45}"}, "Try again in 45 min, at "),
        ({"retry-after": "{date45}"}, "Try again in 45 min, at "),
    ],
)
async def test_a_long_limit_is_told_with_its_time_and_never_as_a_missing_right(
    limited: tuple[Limited, GitHub], headers: dict[str, str], says: str
) -> None:
    back, github = limited
    at = time.time() + 44.5 * 60
    back.times = 1_000
    back.headers = {k: v.format(in45=int(at), date45=formatdate(at, usegmt=True)) for k, v in headers.items()}
    with pytest.raises(BackendUnavailable) as told:
        await github.repository("a", "b")
    assert says in told.value.fix
    assert "right" not in str(told.value)
    assert len(back.seen) == 1
