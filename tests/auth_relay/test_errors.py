"""What goes wrong ends in the contract's own words: for programs as JSON, for people as a page."""

from __future__ import annotations

import base64
import json
import re
import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from pydantic import SecretStr

from common import signed
from common.speech import ENGLISH, LANGUAGES
from fastmcp_vault.oidc.tokens import unverified_claims
from services.auth_relay.lit import LitMaker
from services.auth_relay.words import WORDS
from stack.testing import Stack
from tests.auth_relay.chatting import Browser, Programs
from tests.auth_relay.conftest import NOBODY_THERE, hmac_secret
from tests.support.login import fill_in
from tests.support.odd_server import OddServer
from tests.support.people import Person


def refused(answer: requests.Response, status: int, code: str) -> None:
    assert (answer.status_code, answer.json()["error"]) == (status, code), answer.text
    assert answer.json()["message"]


def shown(answer: requests.Response, status: int, code: str) -> None:
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"].startswith("text/html")
    assert f"<code>{code}</code>" in answer.text
    assert "Traceback" not in answer.text


def odd_link(two_workers: Programs, odd: OddServer, key: str = "odd", **changes: Any) -> dict[str, Any]:
    wanted = {"client_key": key, "callback_url": f"{odd.url}/callback", "redirect_after": f"{odd.url}/done", **changes}
    return two_workers.link(**wanted)


@pytest.fixture
def well(odd: OddServer) -> OddServer:
    odd.status, odd.mute, odd.hang_up, odd.body = 200, False, False, b"{}"
    odd.headers_seen.clear()
    odd.forms_seen.clear()
    odd.released.clear()
    return odd


def test_unknown_client_key(programs: Programs) -> None:
    refused(programs.ask(**programs.wanted(client_key="nobody")), 400, "unknown_client_key")
    refused(programs.ask_signed(**programs.wanted(client_key="nobody")), 400, "unknown_client_key")


@pytest.mark.parametrize(
    "changes",
    [
        {"chatbot_user_id": ""},
        {"chatbot_user_id": "a\nb"},
        {"chatbot_user_id": "x" * 201},
        {"callback_url": 5},
        {"more": "x"},
        {"nonce": "short"},
    ],
)
def test_a_request_that_cannot_be_used(programs: Programs, changes: dict[str, Any]) -> None:
    refused(programs.ask(**programs.wanted(**changes)), 422, "invalid_request")


@pytest.mark.parametrize(
    "evil",
    [
        "//evil.example",
        "https://evil.example/",
        "https://{host}@evil.example/linked",
        "http://evil.example@{host}/linked",
        "http://{host}.evil.example/linked",
        "http://{host}/linked/../../evil",
        "http://{host}/%2e%2e/evil",
        "http://{host}%2f@evil.example/linked",
        "http://{host}\\@evil.example/linked",
        "http://{host}/linked#@evil.example",
        "http://{host}/linked\r\nSet-Cookie: a=b",
        "http://{host}/linked ",
        " http://{host}/linked",
        "http://{host}//evil.example/linked",
        "http://{host}/Linked",
        "HTTP://{host}/linked",
        "javascript:alert(1)//{host}",
        "ftp://{host}/linked",
        "http://[::1]/linked",
        "https%3A%2F%2Fevil.example",
        "/linked",
    ],
)
def test_a_redirect_off_the_list(programs: Programs, evil: str) -> None:
    host = programs.stack.url("mock-chatbot").removeprefix("http://")
    refused(programs.ask(**programs.wanted(redirect_after=evil.format(host=host))), 400, "address_not_allowed")


def test_a_query_may_be_added_to_a_listed_redirect_and_nothing_to_a_callback(programs: Programs) -> None:
    base = programs.stack.url("mock-chatbot")
    assert programs.ask(**programs.wanted(redirect_after=f"{base}/linked?from=chat")).status_code == 200
    for callback in (f"{base}/relay/callback?x=1", f"{base}/other", "http://169.254.169.254/latest/meta-data"):
        refused(programs.ask(**programs.wanted(callback_url=callback)), 400, "address_not_allowed")


def test_a_signed_request_is_believed_once_and_a_wrong_signature_never(programs: Programs) -> None:
    wanted = programs.wanted(nonce="n" * 24)
    assert programs.ask_signed(**wanted).status_code == 200
    refused(programs.ask_signed(**wanted), 401, "invalid_signature")
    fresh = programs.wanted()
    refused(programs.ask_signed(secret=SecretStr("x" * 40), **fresh), 401, "invalid_signature")
    refused(programs.ask_signed(ts=int(time.time()) - 70, **fresh), 401, "invalid_signature")
    refused(programs.ask_signed(ts=int(time.time()) + 70, **fresh), 401, "invalid_signature")
    refused(programs.ask("/login_link_status", client_key="demo-chatbot", login_id="x" * 32), 401, "invalid_signature")


def test_another_client_learns_nothing_of_a_login(two_workers: Programs, well: OddServer) -> None:
    link = odd_link(two_workers, well)
    for key, status in (("odd", 200), ("dead", 404)):
        secret = SecretStr(hmac_secret(key))
        answer = two_workers.ask_signed("/login_link_status", secret=secret, client_key=key, login_id=link["login_id"])
        assert answer.status_code == status, answer.text


def lits(stack: Stack) -> tuple[LitMaker, dict[str, str]]:
    environment = stack.environment("auth-relay")
    maker = LitMaker(
        SecretStr(environment["JWT_SECRET"]), issuer=environment["BASE_URL"], ttl=300, clock=lambda: time.time() - 301
    )
    return maker, environment


def test_an_expired_a_tampered_and_a_foreign_link(programs: Programs) -> None:
    link = programs.link()
    base, _, token = link["login_url"].rpartition("/")
    head, payload, signature = token.split(".")
    claims = unverified_claims(token)
    maker, _ = lits(programs.stack)
    own = {n: claims[n] for n in ("client_key", "chatbot_user_id", "callback_url", "redirect_after")}

    def encoded(value: dict[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    stranger = LitMaker(SecretStr("another-secret-of-thirty-two-bytes"), issuer=base, ttl=300, clock=time.time)
    wrong = {
        "expired": maker.make(**own)[0],
        "other user": f"{head}.{encoded({**claims, 'chatbot_user_id': 'mallory'})}.{signature}",
        "no signature": f"{encoded({'alg': 'none', 'typ': 'lit+jwt'})}.{payload}.",
        "another key": stranger.make(**own)[0],
        "nothing": "x",
        "long": "x" * 9_000,
    }
    for what, forged in wrong.items():
        shown(
            requests.get(f"{base}/{forged}", headers={"Accept": "text/html"}, timeout=30),
            400,
            "invalid_or_expired_state",
        )
        answer = requests.post(f"{base}/{forged}", data={"code": link["code"]}, timeout=30, allow_redirects=False)
        assert answer.json()["error"] == "invalid_or_expired_state", what
    assert Browser(programs).look(link).status_code == 200


def test_people_are_spoken_to_in_their_own_language(programs: Programs) -> None:
    link, browser = programs.link(chatbot_user_id="<b>앨리스"), Browser(programs)
    browser.cookies.headers["Accept-Language"] = "ko-KR,ko;q=0.9,en;q=0.8"
    page = browser.look(link)
    assert page.text.startswith('<!doctype html>\n<html lang="ko">')
    assert "<h1>Demo chatbot이(가) 나를 대신하려고 합니다</h1>" in page.text
    assert "<strong>&lt;b&gt;앨리스</strong>" in page.text
    assert "4번 더 시도할 수 있습니다" in browser.type_code(link, "BBB-BBB").text
    gone = browser.cookies.get(f"{programs.relay}/login/x", timeout=30)
    shown(gone, 400, "invalid_or_expired_state")
    assert "챗봇에게 새 링크를 요청하십시오." in gone.text


def test_each_language_says_the_same() -> None:
    assert WORDS.keys() == set(LANGUAGES)
    assert {frozenset(words) for words in WORDS.values()} == {frozenset(WORDS[ENGLISH])}
    for spoken in WORDS:
        for name, text in WORDS[ENGLISH].items():
            assert set(re.findall(r"{\w+}", text)) == set(re.findall(r"{\w+}", WORDS[spoken][name]))


def test_a_program_hears_why_in_its_language_and_the_code_stays(programs: Programs) -> None:
    wanted = programs.wanted(client_key="nobody")
    for accepted, said in (("ko", "이 링크를 만든 챗봇은"), ("fr, ko;q=0", "No chatbot is registered")):
        headers = {"Accept-Language": accepted}
        answer = requests.post(f"{programs.relay}/issue_login_link", json=wanted, headers=headers, timeout=30)
        refused(answer, 400, "unknown_client_key")
        assert answer.json()["message"].startswith(said)


def test_a_link_for_a_client_that_is_gone_or_a_redirect_that_left_the_list(programs: Programs) -> None:
    _, environment = lits(programs.stack)
    maker = LitMaker(SecretStr(environment["JWT_SECRET"]), issuer=environment["BASE_URL"], ttl=300, clock=time.time)
    wanted = programs.wanted()
    gone = maker.make(**{**wanted, "client_key": "gone"})[0]
    refused(requests.get(f"{programs.relay}/login/{gone}", timeout=30), 400, "unknown_client_key")
    moved = maker.make(**{**wanted, "redirect_after": "https://evil.example/"})[0]
    refused(requests.get(f"{programs.relay}/login/{moved}", timeout=30), 400, "address_not_allowed")


def test_a_link_is_good_once_and_looking_at_it_uses_nothing_up(programs: Programs) -> None:
    link, first, second = programs.link(), Browser(programs), Browser(programs)
    for _ in range(3):
        page = first.look(link)
        assert page.status_code == 200
        assert "Demo chatbot wants to act as you" in page.text
    first.begin(link)
    shown(second.type_code(link), 400, "invalid_or_expired_state")
    shown(second.look(link), 400, "invalid_or_expired_state")


def test_without_the_chats_code_a_forwarded_link_binds_nothing(programs: Programs) -> None:
    link, victim = programs.link(), Browser(programs)
    for left in range(4, 0, -1):
        answer = victim.type_code(link, "BBB-BBB")
        assert answer.status_code == 403
        assert f"{left} tries are left" in answer.text
    shown(victim.type_code(link, "BBB-BBB"), 400, "invalid_or_expired_state")
    shown(victim.type_code(link), 400, "invalid_or_expired_state")


def test_the_code_may_be_typed_carelessly(programs: Programs) -> None:
    link = programs.link()
    assert Browser(programs).type_code(link, f" {link['code'].lower().replace('-', ' ')} ").status_code == 303


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}]
)
def test_another_sites_page_cannot_send_the_code(programs: Programs, headers: dict[str, str]) -> None:
    link = programs.link()
    shown(Browser(programs).type_code(link, **headers), 400, "address_not_allowed")
    assert Browser(programs).type_code(link).status_code == 303


def test_a_sign_in_is_finished_in_the_browser_that_began_it_and_once(programs: Programs, person: Person) -> None:
    mine, victims = Browser(programs), Browser(programs)
    # The one who typed the code sends Keycloak's address to somebody else, who signs in there.
    query = fill_in(mine.begin(programs.link()), person.username, person.password)
    shown(victims.come_back(query), 400, "invalid_or_expired_state")
    # The attempt has used the state up, in the right browser too.
    shown(mine.come_back(query), 400, "invalid_or_expired_state")
    again = Browser(programs)
    answer = fill_in(again.begin(programs.link()), person.username, person.password)
    assert again.come_back(answer).status_code == 303
    shown(again.come_back(answer), 400, "invalid_or_expired_state")
    refused(requests.get(f"{programs.relay}/oidc/callback?code=x&state=y", timeout=30), 400, "invalid_or_expired_state")


def test_a_login_that_keycloak_refused(programs: Programs) -> None:
    browser = Browser(programs)
    state = parse_qs(urlsplit(browser.begin(programs.link())).query)["state"][0]
    shown(browser.come_back({"state": state, "error": "access_denied"}), 400, "login_failed")


def test_no_offline_refresh_token(two_workers: Programs, well: OddServer, person: Person) -> None:
    answer = Browser(two_workers).sign_in(odd_link(two_workers, well, "no-offline"), person)
    shown(answer, 400, "no_offline_refresh_token")
    assert not well.forms_seen


@pytest.mark.parametrize(("status", "attempts"), [(500, 3), (503, 3), (400, 1), (302, 1)])
def test_callback_failed_when_the_chatbot_does_not_take_it(
    two_workers: Programs, well: OddServer, person: Person, status: int, attempts: int
) -> None:
    well.status = status
    shown(Browser(two_workers).sign_in(odd_link(two_workers, well), person), 502, "callback_failed")
    assert len(well.forms_seen) == attempts
    assert len({json.loads(form)["nonce"] for form in well.forms_seen}) == attempts


def test_callback_failed_when_the_chatbot_is_slow_or_down(
    two_workers: Programs, well: OddServer, person: Person
) -> None:
    well.mute = True
    began = time.monotonic()
    shown(Browser(two_workers).sign_in(odd_link(two_workers, well), person), 502, "callback_failed")
    assert time.monotonic() - began < 40
    well.released.set()
    gone = odd_link(two_workers, well, "dead", callback_url=NOBODY_THERE)
    shown(Browser(two_workers).sign_in(gone, person), 502, "callback_failed")


def test_keycloak_down_is_a_page_that_says_so(two_workers: Programs, well: OddServer, person: Person) -> None:
    shown(Browser(two_workers).sign_in(odd_link(two_workers, well, "no-keycloak"), person), 503, "keycloak_unavailable")


def test_the_message_is_what_the_contract_says(two_workers: Programs, well: OddServer, person: Person) -> None:
    link = odd_link(two_workers, well, chatbot_user_id="Zoë ☃ <b>")
    assert "Zoë ☃ &lt;b&gt;" in Browser(two_workers).look(link).text
    answer = Browser(two_workers).sign_in(link, person)
    assert answer.headers["Location"] == f"{well.url}/done"
    (body,), (headers,) = well.forms_seen, well.headers_seen
    message = json.loads(body)
    assert sorted(message) == sorted(
        ("relay_access_token", "offline_refresh_token", "issuer", "aud", "chatbot_user_id", "client_key", "ts", "nonce")
    )
    assert body.encode() == signed.canonical(message)
    secret = SecretStr(hmac_secret("odd"))
    assert headers["X-Relay-Signature"] == signed.signature(body.encode(), secret)
    assert abs(message["ts"] - time.time()) < 60
    assert unverified_claims(message["offline_refresh_token"])["typ"] == "Offline"
    assert unverified_claims(message["relay_access_token"])["preferred_username"] == person.username
    assert (message["chatbot_user_id"], message["client_key"], message["aud"]) == ("Zoë ☃ <b>", "odd", "chatbot-relay")
