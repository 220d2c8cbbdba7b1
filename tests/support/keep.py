"""Keeps a test stack running between test runs: ``python -m tests.support.keep DIR``, then set DEMO_TEST_STATE_DIR=DIR.

Stop it with ``DEMO_STATE_DIR=DIR ./demo down``.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.support import people


def main() -> int:
    """Start the stack in the directory given, with the tests' users, on free ports."""
    state = Path(sys.argv[1]).resolve()
    state.mkdir(parents=True, exist_ok=True)
    users = people.write_users(state / "users.yaml")
    command = [sys.executable, "-m", "stack", "up", "-d", "--free-ports", *sys.argv[2:]]
    environment = os.environ | {"DEMO_STATE_DIR": str(state), "USERS_FILE": str(users)}
    return subprocess.run(command, check=False, env=environment).returncode


if __name__ == "__main__":
    raise SystemExit(main())
