"""The workshop: its exercises in order, who is how far, and the facilitator's reset. Knows no Streamlit."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app import workshop_checks as checks
from app import workshop_lab as lab
from app.lab.people import LabClosed
from app.process import AppProcess
from app.room import as_facilitator
from app.texts import t
from app.workshop_checks import Attempt, Check, ExerciseVerdict
from fastmcp_vault.errors import Problem, SessionEnded, StateUnavailable
from fastmcp_vault.masking import mask_text
from fastmcp_vault.state import Participant, WorkshopBoard, WorkshopProgress

SAID_LIMIT = 300
"""Characters of what a failed check said, for the facilitator."""

Act = Callable[[AppProcess, str], Coroutine[Any, Any, str]]
"""Given the process and the person's cookie; a sentence."""


@dataclass(frozen=True, slots=True)
class ExerciseField:
    """Something to answer: typed, or chosen."""

    id: str
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Exercise:
    """One exercise. ``page``: the file of the page where it is done; ``code``: what to copy (language, text).

    ``acts``: what is done here, at the press of a button, each of which gives a sentence.
    """

    id: str
    check: Check
    page: str = ""
    fields: tuple[ExerciseField, ...] = ()
    code: tuple[str, str] = ("", "")
    acts: tuple[tuple[str, Act], ...] = ()


EXERCISES = (
    Exercise("sign-in", checks.sign_in),
    Exercise("entity", checks.entity, "mcp_tools.py", (ExerciseField("id"),)),
    Exercise("database", checks.database, "mcp_tools.py", (ExerciseField("user"),), ("sql", "SELECT current_user")),
    Exercise("others", checks.others, "isolation.py", (ExerciseField("whose"),)),
    Exercise("bob", lab.fails, "", (ExerciseField("path"),)),
    Exercise("give", lab.works, acts=(("store", lab.store), ("take-back", lab.take_back))),
    Exercise("revoke", checks.revoke, "vault_tokens.py"),
    Exercise(
        "suspend",
        checks.suspend,
        "",
        (),
        ("sh", "./demo agent suspend mcp-github --reason workshop\n./demo agent resume mcp-github"),
    ),
    Exercise(
        "broken",
        checks.broken,
        "attack_lab.py",
        (ExerciseField("part", checks.PARTS), ExerciseField("layer", checks.LAYERS)),
    ),
    Exercise("audit", checks.audit_line, "audit.py", (ExerciseField("request"),)),
    Exercise("chat", checks.chat, "login_relay.py"),
    Exercise("connect", checks.connected, "my_secrets.py"),
    Exercise("sign-out", checks.sign_out, "mcp_tools.py"),
)
"""In the order in which they are done; any may be done at any time."""

_BY_ID = {exercise.id: exercise for exercise in EXERCISES}


async def progress(process: AppProcess, sub: str) -> dict[str, WorkshopProgress]:
    """How far this person is, by exercise. Raises StateUnavailable."""
    return {name: found for name, found in (await process.state.workshop.of(sub)).items() if name in _BY_ID}


async def check(process: AppProcess, cookie: str, exercise: str, given: Mapping[str, str]) -> ExerciseVerdict:
    """Ask the real servers whether it is done, and keep what they say.

    Raises SessionEnded, StateUnavailable, and whatever Problem a part of the demo has.
    """
    found = _BY_ID[exercise]
    answers = {field.id: given.get(field.id, "").strip() for field in found.fields}
    if not all(answers.values()):
        return ExerciseVerdict(False, t("workshop.answer-first"))
    session = await process.sessions.renewed(cookie)
    progress, who = process.state.workshop, (session.sub, session.username, exercise)
    known = (await progress.of(session.sub)).get(exercise, WorkshopProgress())
    try:
        verdict = await found.check(Attempt(process, cookie, session, known.kept, answers))
    except (SessionEnded, StateUnavailable):
        raise
    except Problem as problem:
        await progress.failed(*who, said=mask_text(problem.what, limit=SAID_LIMIT))
        raise
    if verdict.done or verdict.kept is not None:
        await progress.note(*who, kept=verdict.kept, done=verdict.done)
    else:
        await progress.failed(*who, said=mask_text(verdict.said, limit=SAID_LIMIT))
    return verdict


def partner(process: AppProcess, username: str) -> str:
    """What the exercises call the one who plays bob for this person."""
    try:
        found = lab.partner_of(process.settings, username)
    except LabClosed:
        found = None
    return found.username if found is not None else lab.BOB


async def participants(process: AppProcess, cookie: str) -> list[Participant]:
    """Everybody who began. Raises NotFacilitator, SessionEnded, StateUnavailable."""
    await as_facilitator(process, cookie)
    return await process.state.workshop.participants()


async def standing(process: AppProcess, cookie: str) -> dict[str, int]:
    """By exercise, how many have done it. Raises NotFacilitator, SessionEnded, StateUnavailable."""
    await as_facilitator(process, cookie)
    return await process.state.workshop.standing()


async def board(process: AppProcess) -> WorkshopBoard:
    """What the facilitator shows everybody. Raises StateUnavailable."""
    return await process.state.workshop.board()


async def set_timer(process: AppProcess, cookie: str, minutes: int) -> None:
    """Start a timer that everybody sees, or with 0 take it away.

    Raises NotFacilitator, SessionEnded, StateUnavailable.
    """
    await as_facilitator(process, cookie)
    await process.state.workshop.set_timer(minutes * 60.0 if minutes else None)


async def show_answers(process: AppProcess, cookie: str, exercises: Sequence[str]) -> None:
    """Show everybody the answers of these, and of no other. Raises NotFacilitator, SessionEnded, StateUnavailable."""
    await as_facilitator(process, cookie)
    await process.state.workshop.show_answers([name for name in exercises if name in _BY_ID])


async def reset(process: AppProcess, cookie: str, sub: str = "") -> int:
    """Forget one person's progress, or everybody's, what is shown, and every suspension; how many people begin anew.

    Raises NotFacilitator, SessionEnded, StateUnavailable.
    """
    who = await as_facilitator(process, cookie)
    if not sub:
        for stopped in await process.state.suspensions():
            await process.state.resume(stopped.server, by=who.username)
    return await process.state.workshop.reset(sub)
