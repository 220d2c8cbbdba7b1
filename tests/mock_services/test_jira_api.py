"""The mock Jira on the wire: authentication, versions, pages, refusals."""

from __future__ import annotations

import pytest
import requests

from tests.mock_services.running import Mocks


@pytest.mark.parametrize(
    "authorization",
    [None, "Basic", "Basic !!!", "Basic YWxpY2VAZXhhbXBsZS5jb20=", "Bearer abc", "Basic YWxpY2VAZXhhbXBsZS5jb206eA=="],
)
def test_without_a_known_credential_everything_but_the_server_info_is_closed(
    mocks: Mocks, http: requests.Session, authorization: str | None
) -> None:
    headers = {"Authorization": authorization} if authorization else {}
    for path in ("myself", "project", "issue/PROJ-1", "search/jql?jql=project=PROJ", "issue/NOPE-1/comment"):
        answer = http.get(f"{mocks.jira}/rest/api/3/{path}", headers=headers)
        assert answer.status_code == 401
        assert answer.text == "Client must be authenticated to access this resource."
        assert ("X-Seraph-LoginReason" in answer.headers) == bool(authorization)
    assert http.get(f"{mocks.jira}/rest/api/3/serverInfo", headers=headers).json()["deploymentType"] == "Cloud"


def test_someone_elses_token_does_not_open_an_account(mocks: Mocks, http: requests.Session) -> None:
    crossed = (mocks.jira_login("alice")[0], mocks.jira_login("bob")[1])
    assert http.get(f"{mocks.jira}/rest/api/3/myself", auth=crossed).status_code == 401


def test_a_person_without_a_jira_credential_is_nobody_here(mocks: Mocks, http: requests.Session) -> None:
    assert http.get(f"{mocks.jira}/rest/api/3/myself", auth=mocks.jira_login("charlie")).status_code == 401


@pytest.mark.parametrize(("method", "path"), [("GET", "issue/NOPE-1"), ("POST", "issue/NOPE-1/comment")])
def test_unknown_and_hidden_issues_look_the_same(mocks: Mocks, http: requests.Session, method: str, path: str) -> None:
    alice = mocks.jira_login("alice")
    answers = [
        http.request(method, f"{mocks.jira}/rest/api/3/{p}", auth=alice, json={"body": "x"})
        for p in (path, path.replace("NOPE", "OPS"))
    ]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].json() == answers[1].json()
    assert answers[0].json() == {
        "errorMessages": ["Issue does not exist or you do not have permission to see it."],
        "errors": {},
    }


def test_a_search_gives_ids_unless_fields_are_asked_for(mocks: Mocks, http: requests.Session) -> None:
    alice = mocks.jira_login("alice")
    search = f"{mocks.jira}/rest/api/3/search/jql"
    bare = http.get(search, auth=alice, params={"jql": "key = PROJ-1"}).json()
    assert bare == {"issues": [{"id": "10001"}], "isLast": True}
    named = http.get(search, auth=alice, params={"jql": "key = PROJ-1", "fields": "summary,status"}).json()
    assert set(named["issues"][0]["fields"]) == {"summary", "status"}
    everything = http.post(search, auth=alice, json={"jql": "key = PROJ-1", "fields": ["*all", "-comment"]}).json()
    assert "description" in everything["issues"][0]["fields"]
    assert "comment" not in everything["issues"][0]["fields"]


def test_page_tokens_lead_through_a_search_and_belong_to_it(mocks: Mocks, http: requests.Session) -> None:
    alice = mocks.jira_login("alice")
    search, jql = f"{mocks.jira}/rest/api/3/search/jql", "project = SHOP AND key <= SHOP-25 ORDER BY key"
    keys, token = [], None
    while True:
        asked = {"jql": jql, "fields": "key", "maxResults": 7} | ({"nextPageToken": token} if token else {})
        page = http.get(search, auth=alice, params=asked).json()
        keys += [issue["key"] for issue in page["issues"]]
        assert page["isLast"] == ("nextPageToken" not in page)
        if page["isLast"]:
            break
        token = page["nextPageToken"]
    assert keys == [f"SHOP-{number}" for number in range(1, 26)]
    for wrong in ({"nextPageToken": token, "jql": "project = PROJ"}, {"nextPageToken": "garbage", "jql": jql}):
        refused = http.get(search, auth=alice, params=wrong)
        assert (refused.status_code, refused.json()["errorMessages"]) == (
            400,
            ["The provided next page token is invalid or expired."],
        )


def test_a_search_without_a_restriction_is_refused(mocks: Mocks, http: requests.Session) -> None:
    refused = http.get(
        f"{mocks.jira}/rest/api/3/search/jql", auth=mocks.jira_login("alice"), params={"jql": "order by key"}
    )
    assert refused.status_code == 400
    assert refused.json()["errorMessages"][0].startswith("Unbounded JQL queries are not allowed here.")


@pytest.mark.parametrize("version", ["2", "3"])
def test_the_older_search_counts_and_starts_anywhere(mocks: Mocks, http: requests.Session, version: str) -> None:
    answer = http.get(
        f"{mocks.jira}/rest/api/{version}/search",
        auth=mocks.jira_login("alice"),
        params={"jql": "project = SHOP AND key <= SHOP-25 ORDER BY key", "startAt": 20, "maxResults": 10},
    ).json()
    assert (answer["startAt"], answer["maxResults"], answer["total"]) == (20, 10, 25)
    assert [issue["key"] for issue in answer["issues"]] == [f"SHOP-{number}" for number in range(21, 26)]


def test_projects_come_in_pages(mocks: Mocks, http: requests.Session) -> None:
    alice = mocks.jira_login("alice")
    page = http.get(f"{mocks.jira}/rest/api/3/project/search", auth=alice, params={"maxResults": 1}).json()
    assert (page["total"], page["isLast"], [p["key"] for p in page["values"]]) == (2, False, ["PROJ"])
    last = http.get(page["nextPage"], auth=alice).json()
    assert (last["isLast"], [p["key"] for p in last["values"]]) == (True, ["SHOP"])
    assert "nextPage" not in last


def test_version_3_speaks_documents_and_version_2_text(mocks: Mocks, http: requests.Session) -> None:
    alice = mocks.jira_login("alice")
    fields = {"project": {"key": "PROJ"}, "summary": "Two forms", "issuetype": {"name": "Task"}}
    document = {
        "type": "doc",
        "version": 1,
        "content": [
            {"type": "heading", "attrs": {"level": 2}, "content": [{"type": "text", "text": "Plan"}]},
            {"type": "bulletList", "content": [{"type": "listItem", "content": [_paragraph("one")]}]},
        ],
    }
    made = http.post(f"{mocks.jira}/rest/api/3/issue", auth=alice, json={"fields": fields | {"description": document}})
    assert made.status_code == 201
    key = made.json()["key"]
    assert http.get(f"{mocks.jira}/rest/api/3/issue/{key}", auth=alice).json()["fields"]["description"] == document
    as_text = http.get(f"{mocks.jira}/rest/api/2/issue/{key}", auth=alice).json()["fields"]["description"]
    assert as_text == "Plan\n\n* one"
    for version, wrong in (("3", "plain text"), ("2", document), ("3", {"type": "doc", "version": 1, "content": [1]})):
        refused = http.post(
            f"{mocks.jira}/rest/api/{version}/issue", auth=alice, json={"fields": fields | {"description": wrong}}
        )
        assert refused.status_code == 400
        assert refused.json()["errors"]["description"].startswith("Operation value must be a")


def _paragraph(text: str) -> dict[str, object]:
    return {"type": "paragraph", "content": [{"type": "text", "text": text}]}


def test_every_bad_field_is_named_and_nothing_is_made(mocks: Mocks, http: requests.Session) -> None:
    alice = mocks.jira_login("alice")
    count = {"jql": "project = PROJ", "maxResults": 1}
    before = http.get(f"{mocks.jira}/rest/api/2/search", auth=alice, params=count).json()["total"]
    refused = http.post(
        f"{mocks.jira}/rest/api/3/issue",
        auth=alice,
        json={
            "fields": {
                "project": {"key": "PROJ"},
                "summary": "x" * 256,
                "issuetype": {"name": "Wish"},
                "priority": {"name": "Yesterday"},
                "assignee": {"accountId": "nobody"},
                "labels": ["two words"],
                "duedate": "soon",
                "colour": "red",
            }
        },
    )
    assert refused.status_code == 400
    assert set(refused.json()["errors"]) == {
        "summary", "issuetype", "priority", "assignee", "labels", "duedate", "colour",
    }  # fmt: skip
    after = http.get(f"{mocks.jira}/rest/api/2/search", auth=alice, params=count).json()["total"]
    assert after == before


def test_a_refused_edit_writes_nothing(mocks: Mocks, http: requests.Session) -> None:
    alice, url = mocks.jira_login("alice"), f"{mocks.jira}/rest/api/3/issue/PROJ-3"
    before = http.get(url, auth=alice).json()
    body = {"fields": {"summary": "Half"}, "update": {"comment": [{"add": {"body": "not a document"}}]}}
    assert http.put(url, auth=alice, json=body).status_code == 400
    body = {"transition": {"id": "11"}, "fields": {"summary": "Half", "colour": "red"}}
    assert http.post(f"{url}/transitions", auth=alice, json=body).status_code == 400
    assert http.get(url, auth=alice).json() == before


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b"[" * 100_000])
def test_a_body_that_is_no_object_is_refused(mocks: Mocks, http: requests.Session, body: bytes) -> None:
    refused = http.post(
        f"{mocks.jira}/rest/api/3/issue",
        auth=mocks.jira_login("alice"),
        data=body,
        headers={"Content-Type": "application/json"},
    )
    assert refused.status_code == 400
    assert refused.json()["errorMessages"] == [
        "Invalid request payload. Refer to the REST API documentation and try again."
    ]


def test_text_that_is_too_long_is_refused(mocks: Mocks, http: requests.Session) -> None:
    url = f"{mocks.jira}/rest/api/2/issue/PROJ-5/comment"
    refused = http.post(url, auth=mocks.jira_login("alice"), json={"body": "x" * 1_000_000})
    assert refused.status_code == 400
    assert "exceeds the allowed limit of 32,767 characters" in refused.json()["errors"]["comment"]


@pytest.mark.parametrize("path", ["/rest/api/3/nothing", "/rest/api/4/myself", "/rest/agile/1.0/board"])
def test_what_is_not_there_is_a_404_in_jiras_shape(mocks: Mocks, http: requests.Session, path: str) -> None:
    answer = http.get(mocks.jira + path, auth=mocks.jira_login("alice"))
    assert answer.status_code == 404
    assert set(answer.json()) == {"errorMessages", "errors"}


@pytest.mark.parametrize("name", ["startAt", "maxResults"])
def test_a_page_number_must_be_one(mocks: Mocks, http: requests.Session, name: str) -> None:
    for wrong in ("x", "-1"):
        answer = http.get(
            f"{mocks.jira}/rest/api/3/project/search", auth=mocks.jira_login("alice"), params={name: wrong}
        )
        assert answer.status_code == 400
        assert name in answer.json()["errorMessages"][0]


def test_comments_come_in_pages_and_either_order(mocks: Mocks, http: requests.Session) -> None:
    alice, url = mocks.jira_login("alice"), f"{mocks.jira}/rest/api/2/issue/SHOP-6/comment"
    for number in range(3):
        assert http.post(url, auth=alice, json={"body": f"comment {number}"}).status_code == 201
    page = http.get(url, auth=alice, params={"startAt": 1, "maxResults": 1}).json()
    assert (page["total"], [c["body"] for c in page["comments"]]) == (3, ["comment 1"])
    newest = http.get(url, auth=alice, params={"orderBy": "-created", "maxResults": 1}).json()["comments"][0]
    assert newest["body"] == "comment 2"
    assert http.get(f"{url}/{newest['id']}", auth=alice).json() == newest


def test_people_are_found_by_name_address_and_account(mocks: Mocks, http: requests.Session) -> None:
    alice, url = mocks.jira_login("alice"), f"{mocks.jira}/rest/api/3/user"
    found = http.get(f"{url}/search", auth=alice, params={"query": "bob"}).json()
    assert [user["emailAddress"] for user in found] == ["bob@example.com"]
    same = http.get(url, auth=alice, params={"accountId": found[0]["accountId"]}).json()
    assert same == found[0]
    assert http.get(url, auth=alice, params={"accountId": "nobody"}).status_code == 404
