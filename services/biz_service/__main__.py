"""``python -m services.biz_service``: this service alone."""

import sys

from common.command import run as run_command
from services.__main__ import main

if __name__ == "__main__":
    sys.exit(run_command(lambda: main(["biz_service"])))
