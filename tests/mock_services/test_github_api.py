"""The mock GitHub on the wire: schemes, links, entity tags, headers, refusals."""

from __future__ import annotations

import re

import pytest
import requests

from tests.mock_services.running import Mocks


@pytest.mark.parametrize("scheme", ["Bearer", "token", "bearer", "Token"])
def test_both_schemes_carry_a_token(mocks: Mocks, http: requests.Session, scheme: str) -> None:
    answer = http.get(f"{mocks.github}/user", headers={"Authorization": f"{scheme} {mocks.github_token('alice')}"})
    assert answer.json()["login"] == "alice"


@pytest.mark.parametrize("authorization", ["Bearer wrong", "Bearer", "Basic YWxpY2U6eA==", "nonsense"])
def test_a_bad_credential_opens_nothing_not_even_what_is_public(
    mocks: Mocks, http: requests.Session, authorization: str
) -> None:
    for path in ("/user", "/repos/example/storefront", "/rate_limit"):
        answer = http.get(mocks.github + path, headers={"Authorization": authorization})
        assert answer.status_code == 401
        assert answer.json() == {
            "message": "Bad credentials",
            "documentation_url": "https://docs.github.com/rest",
            "status": "401",
        }


def test_a_jira_token_is_no_github_token(mocks: Mocks, http: requests.Session) -> None:
    token = mocks.jira_login("alice")[1]
    assert http.get(f"{mocks.github}/user", headers={"Authorization": f"Bearer {token}"}).status_code == 401


def links(answer: requests.Response) -> dict[str, int]:
    return {
        name: int(re.search(r"[?&]page=(\d+)", link["url"])[1])  # type: ignore[index]
        for name, link in answer.links.items()
    }


def test_link_headers_lead_through_the_pages(mocks: Mocks, http: requests.Session) -> None:
    alice = mocks.bearer("alice")
    url = f"{mocks.github}/repos/example/storefront/issues?state=all&per_page=3&direction=asc"
    first = http.get(url, headers=alice)
    assert links(first) == {"next": 2, "last": 3}
    second = http.get(first.links["next"]["url"], headers=alice)
    assert links(second) == {"prev": 1, "next": 3, "last": 3, "first": 1}
    third = http.get(second.links["next"]["url"], headers=alice)
    assert links(third) == {"prev": 2, "first": 1}
    numbers = [issue["number"] for page in (first, second, third) for issue in page.json()]
    assert numbers[:8] == [1, 2, 3, 4, 5, 6, 7, 8]
    beyond = http.get(f"{url}&page=99", headers=alice)
    assert (beyond.json(), links(beyond)) == ([], {"prev": 3, "first": 1})


@pytest.mark.parametrize("size", ["0", "-1", "x", "", "99999999999"])
def test_an_unusable_page_size_counts_as_absent(mocks: Mocks, http: requests.Session, size: str) -> None:
    answer = http.get(f"{mocks.github}/user/repos", headers=mocks.bearer("alice"), params={"per_page": size})
    assert len(answer.json()) == 7


def test_a_page_holds_at_most_a_hundred(mocks: Mocks, http: requests.Session) -> None:
    alice, url = mocks.bearer("alice"), f"{mocks.github}/repos/alice/notes/issues"
    for number in range(101):
        assert http.post(url, headers=alice, json={"title": f"note {number}"}).status_code == 201
    answer = http.get(url, headers=alice, params={"per_page": 1000})
    assert len(answer.json()) == 100
    assert "next" in answer.links


def test_the_same_thing_again_is_not_sent_again(mocks: Mocks, http: requests.Session) -> None:
    url, headers = f"{mocks.github}/repos/example/storefront/pulls/6", mocks.bearer("alice")
    first = http.get(url, headers=headers)
    again = http.get(url, headers=headers | {"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_the_headers_that_clients_read(mocks: Mocks, http: requests.Session) -> None:
    answer = http.get(f"{mocks.github}/user", headers=mocks.bearer("alice") | {"X-GitHub-Api-Version": "2026-03-10"})
    assert answer.headers["X-GitHub-Api-Version-Selected"] == "2026-03-10"
    assert answer.headers["X-GitHub-Media-Type"] == "github.v3; format=json"
    assert answer.headers["X-RateLimit-Limit"] == "5000"
    limit, used = int(answer.headers["X-RateLimit-Limit"]), int(answer.headers["X-RateLimit-Used"])
    assert int(answer.headers["X-RateLimit-Remaining"]) == limit - used
    assert http.get(f"{mocks.github}/").headers["X-RateLimit-Limit"] == "60"


@pytest.mark.parametrize(
    ("body", "field", "code"),
    [
        ({"title": ""}, "title", "missing_field"),
        ({"title": "x" * 257}, "title", "custom"),
        ({"title": "x", "body": "x" * 65_537}, "body", "custom"),
        ({"title": "x", "assignees": ["nobody"]}, "assignees", "invalid"),
        ({"title": "x", "labels": [""]}, "name", "invalid"),
    ],
)
def test_an_issue_that_cannot_be_made_says_why(
    mocks: Mocks, http: requests.Session, body: dict[str, object], field: str, code: str
) -> None:
    answer = http.post(f"{mocks.github}/repos/example/handbook/issues", headers=mocks.bearer("alice"), json=body)
    assert answer.status_code == 422
    assert answer.json()["message"] == "Validation Failed"
    assert [(e["field"], e["code"]) for e in answer.json()["errors"]] == [(field, code)]


@pytest.mark.parametrize(
    "body", [{}, {"title": None}, {"title": ["x"]}, {"title": "x", "labels": "bug"}, {"title": "x", "body": {}}]
)
def test_an_issue_of_the_wrong_shape_is_refused(mocks: Mocks, http: requests.Session, body: dict[str, object]) -> None:
    answer = http.post(f"{mocks.github}/repos/example/handbook/issues", headers=mocks.bearer("alice"), json=body)
    assert answer.status_code == 422
    assert answer.json()["message"].startswith("Invalid request.\n\n")


@pytest.mark.parametrize("body", [b"{", b"[]", b"[" * 100_000, b"\xff"])
def test_a_body_that_is_no_object_is_refused(mocks: Mocks, http: requests.Session, body: bytes) -> None:
    answer = http.post(f"{mocks.github}/repos/example/handbook/issues", headers=mocks.bearer("alice"), data=body)
    assert answer.status_code == 400


@pytest.mark.parametrize(
    "query", ["issues?state=half", "issues?direction=sideways", "issues?since=soon", "pulls?state=x", "issues?sort=x"]
)
def test_a_filter_that_does_not_exist_is_refused(mocks: Mocks, http: requests.Session, query: str) -> None:
    answer = http.get(f"{mocks.github}/repos/example/handbook/{query}", headers=mocks.bearer("alice"))
    assert (answer.status_code, answer.json()["message"]) == (422, "Validation Failed")


@pytest.mark.parametrize(
    "path",
    ["/repos/example/handbook/issues/999", "/repos/example/handbook/issues/x", "/repos/example/payments/issues/1",
     "/repositories/1", "/repositories/x", "/users/nobody", "/orgs/nobody", "/nothing",
     "/repos/example/handbook/issues/%F0%9D%9F%8F"],
)  # fmt: skip
def test_what_is_not_there_is_a_404_in_githubs_shape(mocks: Mocks, http: requests.Session, path: str) -> None:
    answer = http.get(mocks.github + path, headers=mocks.bearer("bob"))
    assert (answer.status_code, answer.json()["message"], answer.json()["status"]) == (404, "Not Found", "404")


def test_nobody_may_write_without_signing_in(mocks: Mocks, http: requests.Session) -> None:
    answer = http.post(f"{mocks.github}/repos/example/storefront/issues", json={"title": "x"})
    assert (answer.status_code, answer.json()["message"]) == (401, "Requires authentication")


def test_a_repository_says_what_its_caller_may_do(mocks: Mocks, http: requests.Session) -> None:
    seen = {
        name: http.get(f"{mocks.github}/repos/alice/dotfiles", headers=mocks.bearer(name)).json()["permissions"]
        for name in ("alice", "bob")
    }
    assert (seen["alice"]["admin"], seen["bob"]["admin"], seen["bob"]["pull"]) == (True, False, True)
