"""``python -m services.agent_auth``: this service alone."""

import sys

from services.__main__ import main

if __name__ == "__main__":
    sys.exit(main(["agent_auth"]))
