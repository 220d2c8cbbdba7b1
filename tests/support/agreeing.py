"""A browser for programs that open one: ``BROWSER="python -m tests.support.agreeing %s &"``.

It signs in as the person whom ``PERSON`` and ``PASSWORD`` name, says yes on the consent page, and follows the redirect.
"""

from __future__ import annotations

import os
import sys

import requests

from tests.support.login import agree


def main() -> None:
    """Visit the address on the command line."""
    arrived, _ = agree(sys.argv[1], os.environ["PERSON"], os.environ["PASSWORD"])
    with requests.Session() as browser:
        browser.trust_env = False
        browser.get(arrived, timeout=30)


if __name__ == "__main__":
    main()
