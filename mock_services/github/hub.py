"""One GitHub in memory, and who may see what in it. Knows nothing of HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import count

from mock_services.github import seed
from mock_services.github.model import GithubComment, GithubItem, GithubRepository, stable_id
from mock_services.people import Directory, MockPerson

ORGANISATION = seed.organisation()["login"]
_SEEDED_LOGINS = ("alice", "bob", "charlie")


def account(directory: Directory, login: str) -> MockPerson | None:
    """The person behind a login: someone of the users file, or someone who appears in the seed."""
    known = directory.by_login.get(login.lower())
    if known is None and login.lower() in _SEEDED_LOGINS:
        name = login.lower()
        return MockPerson(name, name.capitalize(), f"{name}@example.com", name)
    return known


class Hub:
    """Repositories by name. Every look-up names who is looking, and what they may not see is not there."""

    def __init__(self) -> None:
        self._repositories = {repository.full_name.lower(): repository for repository in seed.repositories()}
        self._settled: set[str] = set()
        self._comments = count(1)

    def settle(self, directory: Directory, login: str) -> None:
        """Give an account its own repositories, the first time that someone looks."""
        person = account(directory, login)
        if person is None or person.login in self._settled:
            return
        self._settled.add(person.login)
        for repository in seed.personal(person.login):
            self._repositories.setdefault(repository.full_name.lower(), repository)

    def repository(self, viewer: str | None, full_name: str) -> GithubRepository | None:
        """One repository by ``owner/name`` in any case."""
        found = self._repositories.get(full_name.lower())
        return found if found and found.visible_to(viewer) else None

    def by_id(self, viewer: str | None, number: int) -> GithubRepository | None:
        """One repository by its number."""
        return next((r for r in self._repositories.values() if r.id == number and r.visible_to(viewer)), None)

    def of(self, viewer: str | None, owner: str) -> list[GithubRepository]:
        """What ``viewer`` may see of an owner's repositories, by name."""
        found = [r for r in self._repositories.values() if r.owner.lower() == owner.lower() and r.visible_to(viewer)]
        return sorted(found, key=lambda repository: repository.full_name)

    def reachable(self, login: str) -> list[GithubRepository]:
        """What ``/user/repos`` lists: own repositories, shared ones and the organisation's, by name."""
        found = [r for r in self._repositories.values() if r.belongs_to(login)]
        return sorted(found, key=lambda repository: repository.full_name)

    def create_issue(
        self, repository: GithubRepository, author: str, *, title: str, body: str | None, labels: Sequence[str],
        assignees: Sequence[str],
    ) -> GithubItem:  # fmt: skip
        """Add an issue under the next number."""
        now = datetime.now(UTC)
        number = max((item.number for item in repository.items), default=0) + 1
        item = GithubItem(number, title, body, author, now, now, list(labels), list(assignees))
        repository.items.append(item)
        return item

    def comment(self, repository: GithubRepository, item: GithubItem, author: str, body: str) -> GithubComment:
        """Add a comment."""
        now = datetime.now(UTC)
        comment = GithubComment(stable_id("new comment", repository.full_name, next(self._comments)), author, body, now)
        item.comments.append(comment)
        item.updated = now
        return comment
