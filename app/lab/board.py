"""The lab's results as a page shows them: the verdict in one sentence, and the board that the component draws."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from app import picture
from app.flow.standards import linked
from app.lab.attack import PARTIES, Attack, AttackResult
from app.lab.catalog import ATTACKS, CONTROLS
from app.texts import language, t
from fastmcp_vault.tracing.export import as_curl

GROUPS = ("control", "tokens", "vault", "sessions", "pair", "accounts", "inputs", "web")

WORDS = (
    *("guess", "guess-help", "question", "right", "wrong", "score", "send", "again", "tried", "stopped", "answer"),
    *("why", "standard", "correlation", "wire", "waiting", "unclear-help", "request", "response", "headers", "body"),
    *("empty", "curl", "copied", "curl-help"),
)
"""What the component itself says: the catalogue's ``lab.ui.…``."""

State = Literal["waiting", "blocked", "passed", "unclear", "lesson", "control"]

PLACES = {
    "keycloak": "keycloak",
    "mcp": "mcp",
    "vault": "vault",
    "postgres": "backend",
    "app": "app",
    "provider": "backend",
}
"""Where each party stands in the picture."""

Kind = Literal["none", "good", "bad", "part"]


def state(attack: Attack, result: AttackResult | None) -> State:
    """How an attack stands; ``lesson`` and ``control`` where getting through is what was to be seen."""
    if result is None:
        return "waiting"
    if result.verdict == attack.expected == "passed":
        return "control" if attack in CONTROLS else "lesson"
    return result.verdict


def summary(results: Mapping[str, AttackResult]) -> tuple[Kind, str]:
    """The verdict over everything that was sent, and whether it is a good one.

    It is good only when everything was sent, every attack blocked, and every control got through.
    """
    wanted = [attack for attack in ATTACKS if attack.expected == "blocked"]
    sent = [attack for attack in wanted if attack.id in results]
    bad = [attack for attack in sent if results[attack.id].verdict != "blocked"]
    stuck = [c for c in CONTROLS if c.id in results and results[c.id].verdict != "passed"]
    names = {"count": len(wanted), "blocked": len(sent) - len(bad), "names": _titles(bad)}
    if stuck:
        return "bad", t("lab.controls.bad", names=_titles(stuck))
    if bad:
        return "bad", t("lab.verdict.some", **names)
    if not sent:
        return "none", t("lab.ready", count=len(wanted))
    if len(sent) < len(wanted) or len(results) < len(ATTACKS) + len(CONTROLS):
        return "part", t("lab.verdict.part", blocked=len(sent), count=len(wanted))
    meant = [attack for attack in ATTACKS if attack.expected == "passed"]
    lessons = t("lab.lessons", names=_titles(meant), why=" ".join(t(f"attack.{attack.id}.why") for attack in meant))
    return "good", t("lab.verdict.all", count=len(wanted), controls=t("lab.controls.good"), lessons=lessons)


def board(results: Mapping[str, AttackResult]) -> dict[str, Any]:
    """All of it, every word already in the reader's language."""
    return {
        "language": language(),
        "text": {word: t(f"lab.ui.{word}") for word in WORDS},
        "svg": picture.svg(),
        "parties": [[party, t(f"lab.party.{party}")] for party in PARTIES],
        "groups": [
            {
                "id": group,
                "title": t(f"lab.group.{group}"),
                "about": t("lab.group.pair.about") if group == "pair" else "",
                "rows": [_row(a, results.get(a.id)) for a in (*CONTROLS, *ATTACKS) if a.group == group],
            }
            for group in GROUPS
        ],
    }


def _row(attack: Attack, result: AttackResult | None) -> dict[str, Any]:
    found = state(attack, result)
    return {
        "id": attack.id,
        "guessable": attack.group != "control",
        "title": t(f"attack.{attack.id}.title"),
        "tried": t(f"attack.{attack.id}.tried"),
        "why": t(f"attack.{attack.id}.why"),
        "standard": linked(attack.standard),
        "layer": t(f"lab.layer.{attack.layer}"),
        "party": attack.party,
        "part": PLACES.get(attack.party, ""),
        "state": found,
        "word": _word(found, result),
        "result": None if result is None else _result(result),
    }


def _word(found: State, result: AttackResult | None) -> str:
    """The verdict by what was promised: a refusal inside an answer of HTTP 200 is told as such."""
    inside = found == "blocked" and result is not None and result.status is not None and result.status < 300
    return t("lab.ui.inside", status=result.status) if inside and result else t(f"lab.ui.{found}")


def _result(result: AttackResult) -> dict[str, Any]:
    return {
        "status": result.status,
        "said": result.said,
        "ms": t("trace.took", duration=f"{result.duration_ms:.0f}"),
        "correlation": result.correlation_id,
        "at": result.at,
        "exchanges": [
            {**exchange.model_dump(mode="json"), "curl": as_curl(exchange)} for exchange in result.exchanges[-2:]
        ],
    }


def _titles(attacks: list[Attack]) -> str:
    return ", ".join(t(f"attack.{attack.id}.title") for attack in attacks)
