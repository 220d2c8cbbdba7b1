"""The people of ``users.yaml`` for those who only read it: parsed once for each state of the file."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    Loader = yaml.SafeLoader
else:  # libyaml where PyYAML was built with it: ten thousand people load in a second instead of ten.
    Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def entries(path: Path) -> tuple[dict[str, Any], ...]:
    """The list ``users`` of a file, read again when the file changes; not to be changed by the caller.

    Raises OSError, yaml.YAMLError, KeyError or TypeError for a file that is not one.
    """
    found = path.stat()
    return _parsed(path, (found.st_mtime_ns, found.st_size, found.st_ino))


@lru_cache(maxsize=4)
def _parsed(path: Path, _state: tuple[int, int, int]) -> tuple[dict[str, Any], ...]:
    return tuple(yaml.load(path.read_bytes(), Loader=Loader)["users"])  # noqa: S506 - a safe loader
