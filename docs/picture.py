"""Makes ``docs/images/picture.svg``, the picture of the landing page: ``.venv/bin/python docs/picture.py``."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
FILE = ROOT / "docs" / "images" / "picture.svg"


def made() -> str:
    """The picture in English, with colours of its own for light and dark pages."""
    sys.path.insert(0, str(ROOT))
    from app.picture import PLAIN, svg  # noqa: PLC0415 - the project's root must be on the path first
    from app.texts import DEFAULT, speaking  # noqa: PLC0415

    with speaking(DEFAULT):
        return svg(style=PLAIN) + "\n"


if __name__ == "__main__":
    FILE.write_text(made())
