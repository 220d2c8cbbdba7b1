"""The public Jira client works against the mock unchanged."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from jira import JIRA, JIRAError

JiraOf = Callable[..., JIRA]


def test_it_knows_whose_credential_it_uses(jira_of: JiraOf) -> None:
    assert jira_of("alice").myself()["emailAddress"] == "alice@example.com"
    assert jira_of("bob").myself()["displayName"] == "Bob Kim"
    assert jira_of("alice").current_user() != jira_of("bob").current_user()


def test_each_person_sees_their_own_projects(jira_of: JiraOf) -> None:
    assert [p.key for p in jira_of("alice").projects()] == ["PROJ", "SHOP"]
    assert [p.key for p in jira_of("bob").projects()] == ["OPS", "PROJ"]
    with pytest.raises(JIRAError, match="No project could be found with key 'OPS'") as refused:
        jira_of("alice").project("OPS")
    assert refused.value.status_code == 404


def test_an_issue_of_a_hidden_project_is_not_there(jira_of: JiraOf) -> None:
    assert jira_of("bob").issue("OPS-1").key == "OPS-1"
    with pytest.raises(JIRAError, match="Issue does not exist or you do not have permission to see it") as refused:
        jira_of("alice").issue("OPS-1")
    assert refused.value.status_code == 404


@pytest.mark.parametrize("version", ["2", "3"])
def test_an_issue_is_read_in_both_versions(jira_of: JiraOf, version: str) -> None:
    issue = jira_of("alice", version).issue("PROJ-1")
    assert issue.fields.summary == "Greet people by name after they sign in"
    assert issue.fields.status.name == "In Progress"
    assert issue.fields.assignee.displayName == "Alice Kim"
    assert issue.fields.project.key == "PROJ"
    assert len(issue.fields.comment.comments) == 2
    if version == "2":
        assert issue.fields.description.startswith("After signing in, the portal still says")
    else:
        assert issue.raw["fields"]["description"]["type"] == "doc"


def test_a_search_reads_every_page(jira_of: JiraOf) -> None:
    client = jira_of("alice")
    keys = [issue.key for issue in client.search_issues("project = SHOP AND key <= SHOP-25 ORDER BY key", maxResults=0)]
    assert keys == [f"SHOP-{number}" for number in range(1, 26)]
    first = client.enhanced_search_issues("project = SHOP AND key <= SHOP-25 ORDER BY key", maxResults=10)
    assert [issue.key for issue in first] == keys[:10]
    token = first.nextPageToken
    rest = client.enhanced_search_issues(
        "project = SHOP AND key <= SHOP-25 ORDER BY key", maxResults=10, nextPageToken=token, use_post=True
    )
    assert [issue.key for issue in rest] == keys[10:20]


def test_current_user_is_the_owner_of_the_credential(jira_of: JiraOf) -> None:
    for name in ("alice", "bob"):
        client = jira_of(name)
        found = client.search_issues("assignee = currentUser()", maxResults=0)
        assert found
        assert {issue.fields.assignee.accountId for issue in found} == {client.current_user()}


def test_bad_jql_is_refused_in_jiras_words(jira_of: JiraOf) -> None:
    with pytest.raises(JIRAError, match="Field 'colour' does not exist or you do not have permission to view it"):
        jira_of("alice").search_issues("colour = red")
    with pytest.raises(JIRAError, match=r"Expecting operator before the end of the query.*\(line 1, character 8\)"):
        jira_of("alice").search_issues("project")


def test_an_issue_is_made_changed_discussed_and_finished(jira_of: JiraOf) -> None:
    client = jira_of("alice")
    text = "First paragraph.\nSecond line.\n\nSecond paragraph."
    issue = client.create_issue(project="PROJ", summary="Made by a test", description=text, issuetype="Task")
    assert (issue.fields.status.name, issue.fields.description) == ("To Do", text)
    assert issue.fields.reporter.accountId == client.current_user()
    issue.update(summary="Changed by a test", labels=[{"add": "tested"}])
    assert (issue.fields.summary, issue.fields.labels) == ("Changed by a test", ["tested"])
    client.assign_issue(issue, "bob@example.com")
    client.add_comment(issue, "Please have a look.")
    client.transition_issue(issue, "done", comment="Finished.")
    seen_by_bob = jira_of("bob").issue(issue.key)
    assert seen_by_bob.fields.assignee.displayName == "Bob Kim"
    assert (seen_by_bob.fields.status.name, seen_by_bob.fields.resolution.name) == ("Done", "Done")
    assert [comment.body for comment in client.comments(issue)] == ["Please have a look.", "Finished."]


def test_what_is_missing_in_a_new_issue_is_named(jira_of: JiraOf) -> None:
    client = jira_of("alice")
    with pytest.raises(JIRAError, match="You must specify a summary of the issue") as refused:
        client.create_issue(project="PROJ", summary=" ", issuetype="Task")
    assert refused.value.status_code == 400
    with pytest.raises(JIRAError, match="No project could be found"):
        client.create_issue(project="OPS", summary="Not allowed here", issuetype="Task")


def test_an_unknown_transition_is_refused(jira_of: JiraOf) -> None:
    client = jira_of("alice")
    assert [t["name"] for t in client.transitions("PROJ-2")] == ["To Do", "In Progress", "Done"]
    with pytest.raises(JIRAError, match="Transition id '99' is not valid for this issue"):
        client.transition_issue("PROJ-2", "99")
    assert client.issue("PROJ-2").fields.status.name == "To Do"


def test_the_lists_that_forms_are_made_from(jira_of: JiraOf) -> None:
    client = jira_of("alice")
    assert [kind.name for kind in client.issue_types()] == ["Epic", "Story", "Task", "Bug"]
    assert [priority.name for priority in client.priorities()] == ["Highest", "High", "Medium", "Low", "Lowest"]
    assert [status.name for status in client.statuses()] == ["To Do", "In Progress", "Done"]
    assert {"summary", "description", "status"} <= {field["id"] for field in client.fields()}
    projects = client.createmeta(projectKeys="PROJ", expand="projects.issuetypes.fields")["projects"]
    assert [project["key"] for project in projects] == ["PROJ"]
    assert projects[0]["issuetypes"][0]["fields"]["summary"]["required"]


def test_a_wrong_token_is_refused(mocks, jira_of: JiraOf) -> None:
    with (
        pytest.raises(JIRAError, match="Client must be authenticated to access this resource") as refused,
    ):
        JIRA(mocks.jira, basic_auth=("alice@example.com", "wrong"), max_retries=0).myself()
    assert refused.value.status_code == 401
