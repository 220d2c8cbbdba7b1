"""Two people's traces of the same call beside each other: who they are to each server, their tokens, their rows."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from app.claims import explained, shown
from app.flow.details import title
from app.flow.hops import claims_of
from app.mcp_client import LABELS
from app.results import Row, shape
from app.sharing import Shared
from app.texts import t

_FACTS = ("user_id", "username", "email", "entity", "vault_path", "masked_credential")
_OWN_TO_A_TOKEN = {"exp", "iat", "jti", "auth_time", "nbf"}
"""Claims that differ between any two tokens and tell nothing of the people."""


@dataclass(frozen=True, slots=True)
class ComparedLine:
    """One thing, as it is for the one and for the other ("" where there is none)."""

    what: str
    mine: str
    theirs: str

    @property
    def same(self) -> bool:
        """Whether both have the same."""
        return self.mine == self.theirs


def people(mine: Shared, theirs: Shared) -> list[ComparedLine]:
    """Who each of them is to each server, and which Vault path that opens."""
    servers = [s for s in LABELS if s in _servers(mine) | _servers(theirs)]
    ours, others = ({s: _facts(one, s) for s in servers} for one in (mine, theirs))
    return [
        ComparedLine(
            f"{LABELS[server]} · {t(f'card.{name}')}", ours[server].get(name, ""), others[server].get(name, "")
        )
        for server in servers
        for name in _FACTS
        if ours[server].get(name) or others[server].get(name)
    ]


def claims(mine: Shared, theirs: Shared) -> list[ComparedLine]:
    """The claims of both login tokens; a token's own times and number are left out."""
    ours, others = _login(mine), _login(theirs)
    names = [name for name, _, _ in explained({**others, **ours}) if name not in _OWN_TO_A_TOKEN]
    return [ComparedLine(name, _shown(ours, name), _shown(others, name)) for name in names]


def steps(mine: Shared, theirs: Shared) -> list[ComparedLine]:
    """How each step ended for both."""
    ours, others = _ends(mine), _ends(theirs)
    return [
        ComparedLine(
            f"{number} · {name}{f' · {LABELS[server]}' if server in LABELS else ''}",
            ours.get(key, ""),
            others.get(key, ""),
        )
        for key in dict.fromkeys([*ours, *others])
        for number, name, server in [key]
    ]


@dataclass(frozen=True, slots=True)
class Rows:
    """A table of the result: rows with ``mine`` and ``theirs`` telling who has them."""

    name: str
    rows: list[tuple[Row, bool, bool]]


def rows(mine: Shared, theirs: Shared) -> list[Rows]:
    """The tables of both results as one each: rows that both have once, the others marked with whose they are."""
    ours, others = shape(mine.result).tables, shape(theirs.result).tables
    return [Rows(name, _merged(ours.get(name, []), others.get(name, []))) for name in dict.fromkeys([*ours, *others])]


def facts(mine: Shared, theirs: Shared) -> list[ComparedLine]:
    """Single values of both results."""
    ours, others = shape(mine.result).facts, shape(theirs.result).facts
    return [
        ComparedLine(name, _text(ours.get(name)), _text(others.get(name))) for name in dict.fromkeys([*ours, *others])
    ]


def _merged(ours: Iterable[Row], others: Iterable[Row]) -> list[tuple[Row, bool, bool]]:
    mine, theirs = ({_key(row): row for row in side} for side in (ours, others))
    return [({**theirs, **mine}[key], key in mine, key in theirs) for key in dict.fromkeys([*mine, *theirs])]


def _key(row: Row) -> str:
    return json.dumps(row, sort_keys=True, default=str)


def _servers(one: Shared) -> set[str]:
    return {step.server for step in one.trace.steps if step.server}


def _facts(one: Shared, server: str) -> dict[str, str]:
    """What the server's own steps say of the person, and what it said when its tools were loaded."""
    found: dict[str, Any] = dict(one.credentials.get(server, {}))
    for step in one.trace.steps:
        if step.server == server and step.kind in {"entity", "credential"}:
            found.update(step.detail)
        if step.server == server and step.kind == "bearer-check":
            token = claims_of(step)
            found.setdefault("user_id", token.get("sub"))
            found.setdefault("username", token.get("preferred_username"))
            found.setdefault("email", token.get("email"))
    return {name: _text(found.get(name)) for name in _FACTS}


def _login(one: Shared) -> Mapping[str, Any]:
    return claims_of(one.trace.find("jwt"))


def _shown(found: Mapping[str, Any], name: str) -> str:
    return shown(name, found[name]) if name in found else ""


def _ends(one: Shared) -> dict[tuple[int, str, str], str]:
    """Each step's end, by number, title and server."""
    ordered = sorted(one.trace.steps, key=lambda step: (step.server != "", step.server, step.number))
    return {
        (step.number, title(step), step.server): " — ".join(filter(None, (t(f"trace.{step.status}"), step.error)))
        for step in ordered
    }


def _text(value: Any) -> str:
    return "" if value is None else str(value)
