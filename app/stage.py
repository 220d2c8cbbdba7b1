"""What the stage shows: the picture with its steps and tokens, live; or a call of two people, step by step."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from app import picture as drawn
from app.flow.reasons import instead, reason
from app.texts import t, told_problem
from app.watch import COUNT, ISSUE, Pair, Side, decides, status, steps_of
from fastmcp_vault.tracing import Trace

WORDS = ("steps", "acts", "checked", "out", "tokens", "token", "issued", "accepted", "dies")
PLAY_WORDS = ("next", "back", "keys", "decides", "not-reached")


def picture(trace: Trace | None, down: Collection[str]) -> dict[str, Any]:
    """The picture. ``trace``: of the last call, whose signs it bears; ``down``: parts that do not answer."""
    states = of_call(trace) if trace else {}
    return _common(down, states) | {
        "mode": "picture",
        "last": t("picture.last", action=trace.action) if trace and states else "",
    }


def scene(what: drawn.Scene) -> dict[str, Any]:
    """Who talks to whom on a page where nothing has happened yet, and what pressing will do."""
    return {
        "mode": "picture",
        "svg": drawn.svg(what),
        "steps": [],
        "tokens": [],
        "text": {word: t(f"picture.{word}") for word in WORDS},
        "last": t(f"picture.{what.words}.press"),
    }


def play(pair: Pair) -> dict[str, Any]:
    """The call of one or two people: for each numbered step what was decided by what, for each of them."""
    return _common((), {}) | {
        "mode": "play",
        "call": t("watch.call", issue=ISSUE),
        "play": {word: t(f"watch.{word}") for word in PLAY_WORDS}
        | {"place": t("watch.place", number="{number}", count=COUNT)},
        "sides": [_side(side) for side in pair.sides],
        "missing": t("watch.alone", reason=told_problem(pair.missing)) if pair.missing else "",
    }


def of_call(trace: Trace) -> Mapping[int, str]:
    """What became of each numbered step of a call of the usual seven; nothing for other traces."""
    kinds = {step.kind for step in trace.steps}
    return {number: status(trace, number) for number in range(1, COUNT + 1)} if "mcp-request" in kinds else {}


def _common(down: Collection[str], states: Mapping[int, str]) -> dict[str, Any]:
    return {
        "svg": drawn.svg(states=states, down=down),
        "steps": [
            step | {"status": states.get(step["number"], ""), "word": _word(states.get(step["number"], ""))}
            for step in drawn.steps()
        ],
        "tokens": drawn.tokens(),
        "text": {word: t(f"picture.{word}") for word in WORDS},
    }


def _word(state: str) -> str:
    return t(f"trace.{state}") if state else ""


def _side(side: Side) -> dict[str, Any]:
    trace, answer = side.done.trace, side.done.answer
    problem = side.done.problem or (answer.problem if answer else None)
    outcome = (
        t("watch.outcome.failed", username=side.username, reason=told_problem(problem))
        if problem
        else t("watch.outcome.done", username=side.username)
    )
    return {
        "username": side.username,
        "how": t("watch.own" if side.own else "watch.lab"),
        "outcome": outcome,
        "steps": {
            number: {
                "status": status(trace, number),
                "word": _word(status(trace, number)),
                "values": decides(trace, number),
                **_reasons(trace, number),
            }
            for number in range(1, COUNT + 1)
        },
    }


def _reasons(trace: Trace, number: int) -> dict[str, str]:
    """What was checked in a numbered step, what came out, and why it failed, as its trace says; the last counts."""
    found = steps_of(trace, number)
    said = [reason(step, trace) for step in found]
    return {
        "checked": next((one.checked for one in reversed(said) if one.checked), ""),
        "out": next((one.out for one in reversed(said) if one.out), ""),
        "reason": next((instead(step, trace) for step in found if step.status == "failed"), ""),
    }
