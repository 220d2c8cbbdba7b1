"""The public GitHub client works against the mock unchanged."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from github import Auth, BadCredentialsException, Github, GithubException, UnknownObjectException

from tests.mock_services.running import Mocks

GithubOf = Callable[[str | None], Github]


def test_it_knows_whose_token_it_uses(github_of: GithubOf) -> None:
    alice, bob = github_of("alice").get_user(), github_of("bob").get_user()
    assert (alice.login, alice.name, alice.email) == ("alice", "Alice Kim", "alice@example.com")
    assert bob.login == "bob"
    assert alice.id != bob.id


def test_each_person_has_repositories_of_their_own(github_of: GithubOf) -> None:
    repositories = {
        name: {repository.full_name for repository in github_of(name).get_user().get_repos()}
        for name in ("alice", "bob", "charlie")
    }
    shared = {"example/storefront", "example/handbook", "example/backoffice"}
    assert repositories["alice"] == shared | {
        "alice/notes", "alice/dotfiles", "alice/garden-planner", "example/payments",
    }  # fmt: skip
    assert repositories["bob"] == shared | {
        "bob/notes", "bob/dotfiles", "bob/homelab", "bob/release-notes", "example/platform",
    }  # fmt: skip
    assert repositories["charlie"] == shared | {"charlie/notes", "charlie/dotfiles"}


@pytest.mark.parametrize("hidden", ["alice/notes", "example/payments", "example/nothing", "nobody/nothing"])
def test_a_private_repository_of_others_is_not_there(github_of: GithubOf, hidden: str) -> None:
    with pytest.raises(UnknownObjectException) as refused:
        github_of("bob").get_repo(hidden)
    assert (refused.value.status, refused.value.data["message"]) == (404, "Not Found")


def test_others_see_what_is_public_and_no_more(github_of: GithubOf) -> None:
    assert {r.full_name for r in github_of("bob").get_user("alice").get_repos()} == {
        "alice/dotfiles",
        "alice/garden-planner",
    }
    assert github_of("bob").get_repo("ALICE/Dotfiles").full_name == "alice/dotfiles"
    nobody = github_of(None)
    assert {r.name for r in nobody.get_organization("example").get_repos()} == {"storefront", "handbook"}
    with pytest.raises(GithubException, match="Requires authentication"):
        _ = nobody.get_user().login


def test_a_repository_by_name_and_by_number(github_of: GithubOf) -> None:
    client = github_of("alice")
    repository = client.get_repo("example/payments")
    assert (repository.private, repository.owner.login, repository.default_branch) == (True, "example", "main")
    assert repository.permissions.push
    assert client.get_repo(repository.id).full_name == "example/payments"
    assert not client.get_repo("bob/release-notes").permissions.push


def test_issues_include_pull_requests(github_of: GithubOf) -> None:
    repository = github_of("alice").get_repo("example/backoffice")
    every = list(repository.get_issues(state="all"))
    assert [issue.number for issue in every] == [4, 3, 2, 1]
    assert [issue.number for issue in every if issue.pull_request] == [3]
    assert {issue.state for issue in repository.get_issues()} == {"open"}
    assert [issue.number for issue in repository.get_issues(state="closed")] == [4]
    assert [issue.number for issue in repository.get_issues(labels=["performance"], assignee="alice")] == [1]
    assert [issue.number for issue in repository.get_issues(creator="alice", assignee="none")] == [3, 2]
    assert repository.open_issues_count == 3


def test_pull_requests(github_of: GithubOf) -> None:
    repository = github_of("alice").get_repo("example/storefront")
    assert [pull.number for pull in repository.get_pulls()] == [7, 6]
    merged = repository.get_pull(2)
    assert (merged.merged, merged.state, merged.merged_by.login) == (True, "closed", "alice")
    assert (merged.head.ref, merged.base.ref) == ("basket-session", "main")
    assert repository.get_pull(7).draft
    assert [pull.number for pull in repository.get_pulls(head="example:reserve-space")] == [6]
    with pytest.raises(UnknownObjectException):
        repository.get_pull(1)


def test_an_issue_is_made_discussed_and_closed(github_of: GithubOf) -> None:
    repository = github_of("alice").get_repo("example/handbook")
    issue = repository.create_issue("Made by a test", "With a body.", labels=["documentation"], assignees=["bob"])
    assert (issue.user.login, issue.state, issue.body) == ("alice", "open", "With a body.")
    assert [label.name for label in issue.labels] == ["documentation"]
    assert [assignee.login for assignee in issue.assignees] == ["bob"]
    seen_by_bob = github_of("bob").get_repo("example/handbook").get_issue(issue.number)
    seen_by_bob.create_comment("I will.")
    assert [comment.user.login for comment in issue.get_comments()] == ["bob"]
    issue.edit(state="closed", state_reason="completed")
    assert repository.get_issue(issue.number).closed_at is not None


def test_without_the_right_to_push_labels_and_assignees_are_left_out(github_of: GithubOf) -> None:
    issue = (
        github_of("charlie").get_repo("alice/garden-planner").create_issue("Hello", labels=["bug"], assignee="alice")
    )
    assert (issue.labels, issue.assignees, issue.user.login) == ([], [], "charlie")
    with pytest.raises(GithubException, match="403"):
        github_of("charlie").get_repo("alice/garden-planner").get_issue(1).edit(title="Mine now")


def test_pages_are_followed_to_the_end(github_of: GithubOf) -> None:
    repository = github_of("bob").get_repo("bob/homelab")
    made = [repository.create_issue(f"number {n}").number for n in range(65)]
    found = [issue.number for issue in repository.get_issues(sort="created", direction="asc")]
    assert found[-65:] == made
    assert repository.get_issues().totalCount == len(found)


def test_the_rate_is_counted(github_of: GithubOf) -> None:
    client = github_of("charlie")
    first = client.get_rate_limit().rate
    second = client.get_rate_limit().rate
    assert (first.limit, second.remaining) == (5000, first.remaining - 1)


def test_a_wrong_token_is_refused(mocks: Mocks) -> None:
    with Github(base_url=mocks.github, auth=Auth.Token("wrong"), retry=None) as client:
        with pytest.raises(BadCredentialsException) as refused:
            _ = client.get_user().login
        assert refused.value.data["message"] == "Bad credentials"
