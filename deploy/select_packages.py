"""``python select_packages.py LOCK NAME …``: the lock without the direct dependencies named and what only they need.

So that an image holds what its processes import and no more, from the one lock. Standard library only.
"""

import re
import sys
from collections.abc import Iterable
from pathlib import Path

DIRECT = "-r requirements.in"


def entries(lock: str) -> dict[str, str]:
    """Each package's lines, by its name; more than one version where they depend on the Python."""
    found: dict[str, str] = {}
    for name, rest in re.findall(r"^([a-z0-9][a-z0-9._-]*)((?:\[[a-z,]+\])?==.*(?:\n[ ]+.*)*)", lock, re.MULTILINE):
        found[name] = f"{found.get(name, '')}{name}{rest}\n"
    return found


def wanted_by(entry: str) -> list[str]:
    """Who asks for a package: the names in its ``# via`` comments."""
    said = re.findall(r"^    #(?: via| {2})(.*)", entry, re.MULTILINE)
    return [name.strip() for name in said if name.strip()]


def without(lock: str, excluded: Iterable[str]) -> str:
    """What is left of ``lock``. Raises ValueError when a name is none of its direct dependencies."""
    packages = entries(lock)
    parents = {name: wanted_by(entry) for name, entry in packages.items()}
    direct = {name for name, asked in parents.items() if DIRECT in asked}
    if unknown := set(excluded) - direct:
        raise ValueError(f"Not a direct dependency: {', '.join(sorted(unknown))}.")
    kept, found = set(), direct - set(excluded)
    while found:
        kept |= found
        found = {name for name in packages.keys() - kept if kept & set(parents[name])}
    return "".join(packages[name] for name in sorted(kept))


if __name__ == "__main__":
    print(without(Path(sys.argv[1]).read_text(), sys.argv[2:]), end="")
