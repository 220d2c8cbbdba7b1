"""Reads the compose files as `docker compose` does: variables filled in, one file laid over the other.

Only what our files use: ``${NAME:-default}``, ``${NAME:?message}``, ``$$``, YAML anchors and merges, ``!reset`` and
``!override``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "docker-compose.yml"
PRODUCTION = ROOT / "docker-compose.production.yml"
DOCUMENTS = ROOT / "docker-compose.documents.yml"

_VARIABLE = re.compile(r"\$(?:\$|\{(?P<name>[A-Z_]+)(?::(?P<kind>[-?])(?P<rest>[^}]*))?\})")


class Instead(list[Any]):
    """A list under ``!override`` or ``!reset``: it takes the other file's place, and is not added to it."""


class _Loader(yaml.SafeLoader):
    pass


for _tag in ("!reset", "!override"):
    _Loader.add_constructor(_tag, lambda loader, node: Instead(loader.construct_sequence(node)))


class Missing(Exception):
    """A variable that must be given and is not."""


def variables(path: Path) -> dict[str, set[tuple[str, str]]]:
    """Every variable of a file with the ways it is used: ``("-", default)`` or ``("?", message)``."""
    found: dict[str, set[tuple[str, str]]] = {}
    for match in _VARIABLE.finditer(_without_comments(path)):
        if match["name"]:
            found.setdefault(match["name"], set()).add((match["kind"] or "", match["rest"] or ""))
    return found


def load(path: Path, environment: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The file with its variables filled in from ``environment``. Raises Missing."""
    document: dict[str, Any] = _filled(yaml.load(path.read_text(), _Loader), environment or {})
    return document


def overlaid(base: Any, over: Any) -> Any:
    """``over`` on top of ``base``: mappings merge, anything else is replaced."""
    if isinstance(base, dict) and isinstance(over, dict):
        return base | {name: overlaid(base.get(name), value) for name, value in over.items()}
    return over


def _filled(value: Any, environment: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {name: _filled(each, environment) for name, each in value.items()}
    if isinstance(value, list):
        return type(value)(_filled(each, environment) for each in value)
    return _VARIABLE.sub(lambda match: _one(match, environment), value) if isinstance(value, str) else value


def _one(match: re.Match[str], environment: Mapping[str, str]) -> str:
    name = match["name"]
    if name is None:
        return "$"
    if given := environment.get(name):
        return given
    if match["kind"] == "?":
        raise Missing(name)
    return match["rest"] or ""


def _without_comments(path: Path) -> str:
    return "\n".join(line for line in path.read_text().splitlines() if not line.lstrip().startswith("#"))
