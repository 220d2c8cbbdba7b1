"""The isolation grid as a page shows it: the verdict in one sentence, and the sheet that the component draws."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from app.lab.isolation import KINDS, STATES, THINGS, Cell, State, Thing
from app.mcp_client import LABELS
from app.texts import language, t
from common.servers import SERVERS
from fastmcp_vault.tracing.export import as_curl

WORDS = (
    "proof",
    "choose-cell",
    "answer",
    "correlation",
    "wire",
    "request",
    "response",
    "headers",
    "body",
    "empty",
    "curl",
    "copied",
)
"""What the component itself says: the catalogue's ``iso.ui.…``, ``curl-help`` beside."""

LEGEND: tuple[State, ...] = ("own", "refused", "absent", "unclear", "leak")

Kind = Literal["none", "good", "bad", "unclear"]


def key(actor: str, owner: str, thing: Thing | None = None) -> str:
    """A cell's id: of one try, or of all of an actor's at an owner."""
    return ":".join((actor, owner, *((thing.id,) if thing else ())))


def kept(cells: Iterable[Cell]) -> dict[str, Cell]:
    """Cells by their ids."""
    return {key(cell.actor, cell.owner, cell.thing): cell for cell in cells}


def worst(cells: Iterable[Cell]) -> State | None:
    """What several cells show as one: the state that stands last among STATES."""
    return max((cell.state for cell in cells), key=STATES.index, default=None)


def summary(cells: Mapping[str, Cell]) -> tuple[Kind, str]:
    """The verdict, and whether it is a good one: nothing leaked, and everything had an answer to judge by."""
    if not cells:
        return "none", t("iso.none")
    count = Counter(cell.state for cell in cells.values())
    leaks = [f"{cell.actor} → {cell.thing.place(cell.owner)}" for cell in cells.values() if cell.state == "leak"]
    if leaks:
        return "bad", t("iso.leak", count=len(leaks), names=", ".join(leaks[:5]))
    if count["unclear"]:
        return "unclear", t("iso.unclear", count=count["unclear"])
    return "good", t("iso.good", others=count["refused"], own=count["own"], absent=count["absent"])


def row_sheet(me: str, owners: Sequence[str], cells: Mapping[str, Cell], chosen: str) -> dict[str, Any]:
    """One actor: a row for each owner, a column for each thing."""
    rows = [
        {
            "label": owner,
            "me": owner == me,
            "cells": [_cell(key(me, owner, thing), [cells.get(key(me, owner, thing))]) for thing in THINGS],
        }
        for owner in owners
    ]
    spans = Counter(thing.kind for thing in THINGS)
    groups = [{"label": t(f"iso.group.{kind}"), "span": spans[kind]} for kind in KINDS]
    columns = [_name(thing) for thing in THINGS]
    return _sheet(t("iso.ui.corner"), groups, columns, rows, _details(cells, chosen), chosen)


def whole_sheet(names: Sequence[str], cells: Mapping[str, Cell], chosen: str) -> dict[str, Any]:
    """Many actors: a row for each, a column for each owner; a cell stands for all THINGS of that owner."""
    rows = [
        {
            "label": actor,
            "me": False,
            "cells": [
                _cell(key(actor, owner), [cells.get(key(actor, owner, thing)) for thing in THINGS]) for owner in names
            ],
        }
        for actor in names
    ]
    groups = [{"label": t("iso.whose"), "span": len(names)}] if names else []
    return _sheet(t("iso.who"), groups, list(names), rows, _details(cells, chosen), chosen)


def _sheet(
    corner: str,
    groups: list[dict[str, Any]],
    columns: list[str],
    rows: list[dict[str, Any]],
    detail: list[dict[str, Any]],
    chosen: str,
) -> dict[str, Any]:
    return {
        "language": language(),
        "text": {word: t(f"iso.ui.{word}") for word in WORDS} | {"corner": corner, "curl-help": t("lab.ui.curl-help")},
        "legend": [[state, t(f"iso.state.{state}")] for state in LEGEND],
        "groups": groups,
        "columns": columns,
        "rows": rows,
        "chosen": chosen,
        "detail": detail,
    }


def _cell(cell_id: str, found: Sequence[Cell | None]) -> dict[str, Any]:
    """A cell's state and its words for a screen reader; of several, how many there are of the worst."""
    there = [cell for cell in found if cell is not None]
    found_worst = worst(there)
    state = found_worst or "waiting"
    count = sum(cell.state == found_worst for cell in there) if len(found) > 1 else 0
    words = [t(f"iso.state.{state}")] + ([f"{count}/{len(found)}"] if count else [])
    actor, owner, *thing = cell_id.split(":")
    things = [t(f"iso.a.{one.kind}", name=_name(one)) for one in THINGS if thing and one.id == thing[0]]
    names = [f"{actor} → {owner}", *things]
    return {
        "id": cell_id,
        "state": state,
        "count": f"{count}/{len(found)}" if count else "",
        "label": ", ".join([*names, *words]),
    }


def _details(cells: Mapping[str, Cell], chosen: str) -> list[dict[str, Any]]:
    """The proof behind the chosen cell: every try that it stands for."""
    found = [cell for name, cell in cells.items() if chosen and (name == chosen or name.startswith(f"{chosen}:"))]
    return [_detail(cell) for cell in sorted(found, key=lambda cell: THINGS.index(cell.thing))]


def _detail(cell: Cell) -> dict[str, Any]:
    exchange = cell.exchange
    return {
        "state": cell.state,
        "word": t(f"iso.state.{cell.state}"),
        "title": cell.thing.place(cell.owner),
        "sentence": t(
            f"iso.said.{cell.thing.kind}.{cell.state}",
            actor=cell.actor,
            owner=cell.owner,
            server=LABELS[cell.thing.name],
            acted_as=cell.acted_as,
        ),
        "answer": f"HTTP {cell.status} · {cell.said}" if cell.status else cell.said,
        "correlation": cell.correlation_id,
        "exchange": exchange and {**exchange.model_dump(mode="json"), "curl": as_curl(exchange)},
    }


def _name(thing: Thing) -> str:
    return LABELS[thing.name] if thing.kind != "path" or SERVERS[thing.name].secret else t("iso.database")
