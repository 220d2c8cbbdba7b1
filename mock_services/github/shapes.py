"""GitHub's JSON: how repositories, issues and pull requests look in the REST API.

Source: GitHub, "REST API" reference, version 2022-11-28.
"""

from __future__ import annotations

import hashlib

from mock_services.github.model import GithubComment, GithubItem, GithubRepository, Pull, stable_id
from mock_services.github.profiles import Json, Profiles, node_id, timestamp

BRANCH = "main"
_COLOURS = {"bug": "d73a4a", "enhancement": "a2eeef", "documentation": "0075ca", "security": "b60205"}
_REACTIONS = ("+1", "-1", "laugh", "hooray", "confused", "heart", "rocket", "eyes")


class GithubShapes(Profiles):
    """Makes the JSON of one response: people, repositories and what is in them."""

    def repository(self, repository: GithubRepository) -> Json:
        """A repository."""
        url = f"{self.base}/repos/{repository.full_name}"
        mine = self.viewer is not None and repository.belongs_to(self.viewer)
        owner = self.viewer == repository.owner
        open_items = sum(item.state == "open" for item in repository.items)
        when = timestamp(repository.updated)
        return {
            "id": repository.id,
            "node_id": node_id("Repository", repository.full_name),
            "name": repository.name,
            "full_name": repository.full_name,
            "private": repository.private,
            "owner": self.user(repository.owner),
            "html_url": f"{self.base}/{repository.full_name}",
            "description": repository.description,
            "fork": False,
            "url": url,
            "branches_url": f"{url}/branches{{/branch}}",
            "comments_url": f"{url}/comments{{/number}}",
            "issues_url": f"{url}/issues{{/number}}",
            "labels_url": f"{url}/labels{{/name}}",
            "pulls_url": f"{url}/pulls{{/number}}",
            "clone_url": f"{self.base}/{repository.full_name}.git",
            "created_at": timestamp(repository.created),
            "updated_at": when,
            "pushed_at": when,
            "homepage": None,
            "size": 128 + repository.id % 4096,
            "stargazers_count": 0,
            "watchers_count": 0,
            "language": repository.language,
            "has_issues": True,
            "has_projects": False,
            "has_wiki": False,
            "has_pages": False,
            "has_discussions": False,
            "forks_count": 0,
            "archived": False,
            "disabled": False,
            "license": None,
            "allow_forking": True,
            "is_template": False,
            "topics": repository.topics,
            "visibility": "private" if repository.private else "public",
            "open_issues_count": open_items,
            "forks": 0,
            "open_issues": open_items,
            "watchers": 0,
            "default_branch": BRANCH,
            "permissions": {"admin": owner, "maintain": owner, "push": mine, "triage": mine, "pull": True},
        }

    def label(self, repository: GithubRepository, name: str) -> Json:
        """A label."""
        return {
            "id": stable_id("label", repository.full_name, name),
            "node_id": node_id("Label", f"{repository.full_name}/{name}"),
            "url": f"{self.base}/repos/{repository.full_name}/labels/{name}",
            "name": name,
            "description": None,
            "color": _COLOURS.get(name, "ededed"),
            "default": name in ("bug", "enhancement", "documentation", "good first issue"),
        }

    def _common(self, repository: GithubRepository, item: GithubItem) -> Json:
        assignees = [self.user(login) for login in item.assignees]
        return {
            "number": item.number,
            "title": item.title,
            "body": item.body,
            "user": self.user(item.author),
            "labels": [self.label(repository, name) for name in item.labels],
            "state": item.state,
            "locked": False,
            "active_lock_reason": None,
            "assignee": assignees[0] if assignees else None,
            "assignees": assignees,
            "milestone": None,
            "created_at": timestamp(item.created),
            "updated_at": timestamp(item.updated),
            "closed_at": timestamp(item.closed),
            "author_association": self._association(repository, item.author),
        }

    def issue(self, repository: GithubRepository, item: GithubItem) -> Json:
        """An issue; a pull request carries the key ``pull_request``."""
        home = f"{self.base}/repos/{repository.full_name}"
        url, page = f"{home}/issues/{item.number}", f"{self.base}/{repository.full_name}"
        shape = self._common(repository, item) | {
            "id": stable_id("issue", repository.full_name, item.number),
            "node_id": node_id("Issue", f"{repository.full_name}/{item.number}"),
            "url": url,
            "repository_url": home,
            "labels_url": f"{url}/labels{{/name}}",
            "comments_url": f"{url}/comments",
            "events_url": f"{url}/events",
            "timeline_url": f"{url}/timeline",
            "html_url": f"{page}/{'pull' if item.pull else 'issues'}/{item.number}",
            "comments": len(item.comments),
            "reactions": {"url": f"{url}/reactions", "total_count": 0, **dict.fromkeys(_REACTIONS, 0)},
            "state_reason": item.reason,
        }
        if item.pull:
            pull = f"{home}/pulls/{item.number}"
            shape["draft"] = item.pull.draft
            shape["pull_request"] = {
                "url": pull,
                "html_url": shape["html_url"],
                "diff_url": f"{shape['html_url']}.diff",
                "patch_url": f"{shape['html_url']}.patch",
                "merged_at": timestamp(item.pull.merged),
            }
        return shape

    def pull(self, repository: GithubRepository, item: GithubItem, pull: Pull, *, full: bool = False) -> Json:
        """A pull request; ``full`` adds what only ``/pulls/{number}`` tells."""
        home = f"{self.base}/repos/{repository.full_name}"
        url, page = f"{home}/pulls/{item.number}", f"{self.base}/{repository.full_name}/pull/{item.number}"
        issue = f"{home}/issues/{item.number}"
        head, base = self._end(repository, pull.branch), self._end(repository, BRANCH)
        shape = self._common(repository, item) | {
            "id": stable_id("pull", repository.full_name, item.number),
            "node_id": node_id("PullRequest", f"{repository.full_name}/{item.number}"),
            "url": url,
            "html_url": page,
            "diff_url": f"{page}.diff",
            "patch_url": f"{page}.patch",
            "issue_url": issue,
            "commits_url": f"{url}/commits",
            "review_comments_url": f"{url}/comments",
            "comments_url": f"{issue}/comments",
            "statuses_url": f"{home}/statuses/{head['sha']}",
            "merged_at": timestamp(pull.merged),
            "merge_commit_sha": _sha(repository.full_name, item.number) if pull.merged else None,
            "requested_reviewers": [],
            "requested_teams": [],
            "draft": pull.draft,
            "head": head,
            "base": base,
            "auto_merge": None,
            "_links": {
                "self": {"href": url},
                "html": {"href": page},
                "issue": {"href": issue},
                "comments": {"href": f"{issue}/comments"},
            },
        }
        if full:
            shape |= {
                "merged": pull.merged is not None,
                "mergeable": None if pull.merged else True,
                "mergeable_state": "unknown" if pull.merged else "clean",
                "merged_by": self.user(item.author) if pull.merged else None,
                "comments": len(item.comments),
                "review_comments": 0,
                "maintainer_can_modify": False,
                "commits": 1 + item.number % 4,
                "additions": 10 + 7 * item.number,
                "deletions": 3 * item.number,
                "changed_files": 1 + item.number % 5,
            }
        return shape

    def comment(self, repository: GithubRepository, item: GithubItem, comment: GithubComment) -> Json:
        """A comment on an issue or pull request."""
        url = f"{self.base}/repos/{repository.full_name}/issues/comments/{comment.id}"
        kind = "pull" if item.pull else "issues"
        return {
            "id": comment.id,
            "node_id": node_id("IssueComment", str(comment.id)),
            "url": url,
            "html_url": f"{self.base}/{repository.full_name}/{kind}/{item.number}#issuecomment-{comment.id}",
            "issue_url": f"{self.base}/repos/{repository.full_name}/issues/{item.number}",
            "user": self.user(comment.author),
            "body": comment.body,
            "created_at": timestamp(comment.created),
            "updated_at": timestamp(comment.created),
            "author_association": self._association(repository, comment.author),
            "reactions": {"url": f"{url}/reactions", "total_count": 0, **dict.fromkeys(_REACTIONS, 0)},
        }

    def _end(self, repository: GithubRepository, branch: str) -> Json:
        return {
            "label": f"{repository.owner}:{branch}",
            "ref": branch,
            "sha": _sha(repository.full_name, branch),
            "user": self.user(repository.owner),
            "repo": self.repository(repository),
        }

    def _association(self, repository: GithubRepository, login: str) -> str:
        if login == repository.owner:
            return "OWNER"
        return "MEMBER" if repository.belongs_to(login) else "NONE"


def _sha(*parts: object) -> str:
    return hashlib.sha256("/".join(str(part) for part in parts).encode()).hexdigest()[:40]
