"""The README's second scenario by a script: alice signs in and runs ``get_issue``; bob, who has no Jira, is refused.

``python -m tests.fresh.scenario PORT_OF_THE_JIRA_SERVER PORT_OF_THE_APP``
"""

from __future__ import annotations

import sys
from pathlib import Path

import requests

from docs import plain_client
from tests.support.people import read_users
from tests.support.visiting import AtTheForm

USERS = Path("init/users.yaml")


def main() -> int:
    """1, with a sentence, when something is not as the README says."""
    jira, app = sys.argv[1:]
    if requests.get(f"http://localhost:{app}/", timeout=30).status_code != requests.codes.ok:
        return _wrong("the app does not answer")
    with _signed_in(jira, "alice") as alice:
        if alice.call("get_issue", {"issue_key": "PROJ-1"})["key"] != "PROJ-1":
            return _wrong("alice did not get PROJ-1")
        if alice.call("credential_status", {})["username"] != "alice":
            return _wrong("the credential is not alice's")
    with _signed_in(jira, "bob") as bob:
        try:
            bob.call("get_issue", {"issue_key": "PROJ-1"})
        except SystemExit as refused:
            print(f"bob: {refused}")
            return 0
    return _wrong("bob got PROJ-1")


def _signed_in(port: str, name: str) -> plain_client.Client:
    client = plain_client.Client(f"http://localhost:{port}/mcp")
    client.sign_in(AtTheForm(read_users(USERS)[name]))
    return client


def _wrong(what: str) -> int:
    print(f"The second scenario fails: {what}.", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
