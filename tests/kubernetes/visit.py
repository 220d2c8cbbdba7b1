"""``python -m tests.kubernetes.visit``: what people see at the public addresses, in Chromium and by a plain MCP client.

The README's scenarios: the same functions that test the stack, and tests/fresh/scenario.py.
"""

from __future__ import annotations

import sys

from stack.layout import ROOT
from tests.browser import test_scenarios as scenarios
from tests.fresh.scenario import main as by_script
from tests.support.browser import arrivals, started
from tests.support.people import read_users

APP = "http://localhost:8501"


def main() -> int:
    """1, with a sentence, when something is not as the README says."""
    people = read_users(ROOT / "init" / "users.yaml")
    sys.argv[1:] = ["3001", "8501"]
    if by_script():
        return 1
    with started() as browser, arrivals(browser, APP) as arrive:
        alice, bob = people["alice"], people["bob"]
        scenarios.test_isolation_alice_and_bob_see_their_own_and_nothing_of_each_other(arrive, alice, bob)
        scenarios.test_get_issue_brings_the_issue_with_alices_credential(arrive, alice)
    print("alice saw PROJ-1, bob that he has no credential: by a plain client and in Chromium.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
