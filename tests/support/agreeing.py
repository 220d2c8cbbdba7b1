"""A browser for programs that open one: ``BROWSER="python -m tests.support.agreeing %s &"``.

It signs in as the person whom ``PERSON`` and ``PASSWORD`` name, says yes on the consent page, and follows the redirect.
"""

from __future__ import annotations

import os
import sys

import requests

from tests.support.login import agree


def visit(url: str, username: str, password: str) -> str:
    """Sign in at ``url``, say yes, and arrive where that leads; what the consent page said."""
    arrived, asked = agree(url, username, password)
    with requests.Session() as browser:
        browser.trust_env = False
        browser.get(arrived, timeout=30)
    return asked


if __name__ == "__main__":
    visit(sys.argv[1], os.environ["PERSON"], os.environ["PASSWORD"])
