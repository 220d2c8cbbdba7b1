"""GitHub's JSON for people and organisations, and the forms of times and ids."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mock_services.github import seed
from mock_services.github.hub import ORGANISATION, account
from mock_services.github.model import GithubRepository, stable_id
from mock_services.people import Directory

Json = dict[str, Any]


@dataclass(frozen=True)
class Profiles:
    """``base`` is the address the client used, ``viewer`` the caller's login."""

    base: str
    viewer: str | None
    directory: Directory

    def user(self, login: str) -> Json:
        """A user or organisation as it appears inside other things."""
        person = account(self.directory, login)
        organisation = login == ORGANISATION
        url = f"{self.base}/users/{login}"
        return {
            "login": login,
            "id": stable_id("user", login),
            "node_id": node_id("User", login),
            "avatar_url": f"{self.base}/avatars/{login}",
            "gravatar_id": "",
            "url": url,
            "html_url": f"{self.base}/{login}",
            "followers_url": f"{url}/followers",
            "following_url": f"{url}/following{{/other_user}}",
            "gists_url": f"{url}/gists{{/gist_id}}",
            "starred_url": f"{url}/starred{{/owner}}{{/repo}}",
            "subscriptions_url": f"{url}/subscriptions",
            "organizations_url": f"{url}/orgs",
            "repos_url": f"{url}/repos",
            "events_url": f"{url}/events{{/privacy}}",
            "received_events_url": f"{url}/received_events",
            "type": "Organization" if organisation else "User",
            "user_view_type": "private" if person and login == self.viewer else "public",
            "site_admin": False,
        }

    def user_in_full(self, login: str, repositories: list[GithubRepository]) -> Json:
        """A user as ``/user`` and ``/users/{login}`` show it; ``repositories`` are the user's own."""
        person = account(self.directory, login)
        private = sum(repository.private for repository in repositories)
        shape = self.user(login) | {
            "name": person.name if person else seed.organisation()["name"],
            "company": "@example" if person else None,
            "blog": "",
            "location": None,
            "email": person.email if person else None,
            "hireable": None,
            "bio": None,
            "twitter_username": None,
            "public_repos": len(repositories) - private,
            "public_gists": 0,
            "followers": 0,
            "following": 0,
            "created_at": timestamp(seed.FIRST_DAY),
            "updated_at": timestamp(seed.FIRST_DAY),
        }
        if login == self.viewer:
            shape |= {"total_private_repos": private, "owned_private_repos": private, "two_factor_authentication": True}
        return shape

    def organisation(self) -> Json:
        """The organisation as ``/orgs/{org}`` shows it."""
        known = seed.organisation()
        url = f"{self.base}/orgs/{ORGANISATION}"
        return {
            "login": ORGANISATION,
            "id": stable_id("user", ORGANISATION),
            "node_id": node_id("Organization", ORGANISATION),
            "url": url,
            "repos_url": f"{url}/repos",
            "events_url": f"{url}/events",
            "hooks_url": f"{url}/hooks",
            "issues_url": f"{url}/issues",
            "members_url": f"{url}/members{{/member}}",
            "public_members_url": f"{url}/public_members{{/member}}",
            "avatar_url": f"{self.base}/avatars/{ORGANISATION}",
            "description": known["description"],
            "name": known["name"],
            "html_url": f"{self.base}/{ORGANISATION}",
            "type": "Organization",
            "created_at": timestamp(seed.FIRST_DAY),
            "updated_at": timestamp(seed.FIRST_DAY),
        }


def timestamp(moment: datetime | None) -> str | None:
    """GitHub's form of a time, to the second."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None


def node_id(kind: str, name: str) -> str:
    """A GraphQL node id: opaque, and the same at every start."""
    return base64.b64encode(f"{kind}:{stable_id(kind, name)}".encode()).decode()
