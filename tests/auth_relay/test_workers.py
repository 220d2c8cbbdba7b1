"""Several workers, many logins: what was begun at one is finished at another, and each state is taken once."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests
from diskcache import FanoutCache, JSONDisk

from fastmcp_vault.oidc.tokens import unverified_claims
from services.auth_relay.store import Store
from stack.layout import ROOT
from tests.auth_relay.chatting import Browser, Programs
from tests.support.login import fill_in
from tests.support.odd_server import OddServer
from tests.support.people import Person

LOGINS = 200
PEOPLE = 5

TAKER = """
import asyncio, sys
from pathlib import Path
from fastmcp_vault.oidc.tokens import unverified_claims
from services.auth_relay.store import Store

async def main():
    store = Store(Path(sys.argv[1]))
    sys.stdin.readline()
    taken = [n for n in range(100) if await store.take("state", str(n)) is not None]
    claimed = [n for n in range(100) if await store.claim("seen", str(n), ttl=60)]
    print(len(taken), len(claimed))
    await store.close()

asyncio.run(main())
"""


async def test_processes_that_race_for_a_state_take_each_once(tmp_path: Path) -> None:
    store = Store(tmp_path / "sessions")
    for number in range(100):
        await store.put("state", str(number), {"n": number}, ttl=60)
    takers = [
        subprocess.Popen(  # noqa: ASYNC220 - three processes are what is tested
            [sys.executable, "-c", TAKER, str(tmp_path / "sessions")],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    for taker in takers:
        assert taker.stdin
        taker.stdin.write("go\n")
        taker.stdin.flush()
    counts = [tuple(map(int, taker.communicate(timeout=60)[0].split())) for taker in takers]
    assert sum(taken for taken, _ in counts) == 100
    assert sum(claimed for _, claimed in counts) == 100
    await store.close()


async def test_what_lies_on_disk_is_json_for_its_owner_only_and_gone_after_its_time(tmp_path: Path) -> None:
    folder = tmp_path / "sessions"
    store = Store(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    await store.put("state", "a", {"nonce": "n"}, ttl=60)
    await store.put("state", "b", {"nonce": "n"}, ttl=-1)
    assert await store.get("state", "a") == {"nonce": "n"}
    assert await store.get("state", "b") is None
    assert await store.take("state", "b") is None
    await store.close()
    with FanoutCache(str(folder), shards=4, disk=JSONDisk) as cache:
        assert cache["state:a"] == {"nonce": "n"}


def in_parallel(work: Any, items: list[Any], *, at_once: int = 24) -> list[Any]:
    with ThreadPoolExecutor(at_once) as pool:
        return list(pool.map(work, items))


def test_callbacks_that_race_finish_a_login_once(two_workers: Programs, odd: OddServer, person: Person) -> None:
    odd.forms_seen.clear()
    wanted = {"client_key": "odd", "callback_url": f"{odd.url}/callback", "redirect_after": f"{odd.url}/done"}
    browser = Browser(two_workers)
    query = fill_in(browser.begin(two_workers.link(**wanted)), person.username, person.password)
    cookies = browser.cookies.cookies.get_dict()

    def come_back(_: int) -> int:
        url = f"{two_workers.relay}/oidc/callback"
        return requests.get(url, params=query, cookies=cookies, timeout=60, allow_redirects=False).status_code

    statuses = in_parallel(come_back, list(range(12)), at_once=12)
    assert sorted(statuses) == [303] + [400] * 11
    assert len(odd.forms_seen) == 1


def test_two_hundred_logins_in_flight_each_end_in_their_own_chat(
    two_workers: Programs, odd: OddServer, new_person: Callable[[], Person]
) -> None:
    odd.forms_seen.clear()
    wanted = {"client_key": "odd", "callback_url": f"{odd.url}/callback", "redirect_after": f"{odd.url}/done"}
    people = [new_person() for _ in range(PEOPLE)]

    def begin(number: int) -> tuple[Browser, str]:
        browser = Browser(two_workers)
        return browser, browser.begin(two_workers.link(chatbot_user_id=f"user-{number}", **wanted))

    def end(mine: tuple[Person, list[tuple[Browser, str]]]) -> list[int]:
        """One after the other for each person, each with the password and a yes: Keycloak keeps one consent of each."""
        person, begun = mine
        return [browser.come_back(fill_in(url, person.username, person.password)).status_code for browser, url in begun]

    in_flight = in_parallel(begin, list(range(LOGINS)))
    ended = in_parallel(end, [(person, in_flight[n::PEOPLE]) for n, person in enumerate(people)])
    assert ended == [[303] * (LOGINS // PEOPLE)] * PEOPLE
    messages = [json.loads(form) for form in odd.forms_seen]
    assert {message["chatbot_user_id"] for message in messages} == {f"user-{n}" for n in range(LOGINS)}
    # A message whose answer took too long is sent again: with a nonce of its own, and still to the same chat.
    assert len({message["nonce"] for message in messages}) == len(messages)
    for message in messages:
        number = int(message["chatbot_user_id"].removeprefix("user-"))
        claims = unverified_claims(message["relay_access_token"])
        assert claims["preferred_username"] == people[number % PEOPLE].username


@pytest.mark.parametrize(
    ("module", "changes", "named"),
    [
        ("services.auth_relay", {"PROFILE": "production"}, "JWT_SECRET"),
        ("services.auth_relay", {"PROFILE": "production"}, "RELAY_TO_CHATBOT_HMAC_SECRET"),
        ("services.auth_relay", {"JWT_SECRET": "short"}, "JWT_SECRET"),
        ("services.auth_relay", {"CLIENTS_FILE": "/nowhere.json"}, "/nowhere.json"),
        ("mock_services.chatbot", {"PROFILE": "production"}, "CHATBOT_MESSENGER_KEY"),
    ],
)
def test_it_does_not_start_with_what_is_not_safe(
    module: str, changes: dict[str, str], named: str, tmp_path: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", module],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "PATH": "", **changes},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert named in done.stderr
    assert "Traceback" not in done.stderr
    assert "short" not in done.stderr.replace("short,", "")
