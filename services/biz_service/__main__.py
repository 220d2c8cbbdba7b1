"""``python -m services.biz_service``: this service alone."""

import sys

from services.__main__ import main

if __name__ == "__main__":
    sys.exit(main(["biz_service"]))
