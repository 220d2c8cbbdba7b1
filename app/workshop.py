"""The workshop: its exercises in order, who is how far, and the facilitator's reset. Knows no Streamlit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from app import workshop_checks as checks
from app import workshop_lab as lab
from app.process import Process
from app.room import as_facilitator
from app.texts import t
from app.workshop_checks import Attempt, Check, Verdict
from fastmcp_vault.state import Participant, Progress


@dataclass(frozen=True, slots=True)
class Field:
    """Something to answer: typed, or chosen."""

    id: str
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Exercise:
    """One exercise. ``page``: the file of the page where it is done; ``code``: what to copy (language, text)."""

    id: str
    check: Check
    page: str = ""
    fields: tuple[Field, ...] = ()
    code: tuple[str, str] = ("", "")


EXERCISES = (
    Exercise("sign-in", checks.sign_in),
    Exercise("entity", checks.entity, "mcp_tools.py", (Field("id"),)),
    Exercise("database", checks.database, "mcp_tools.py", (Field("user"),), ("sql", "SELECT current_user")),
    Exercise("others", checks.others, "isolation.py", (Field("whose"),)),
    Exercise("bob", lab.fails, "", (Field("path"),)),
    Exercise("give", lab.works, "", (), ("yaml", "jira: {email: bob@example.com, api_token: demo-jira-token-bob}")),
    Exercise("revoke", checks.revoke, "vault_tokens.py"),
    Exercise(
        "suspend",
        checks.suspend,
        "",
        (),
        ("sh", "./demo agent suspend mcp-github --reason workshop\n./demo agent resume mcp-github"),
    ),
    Exercise("broken", checks.broken, "attack_lab.py", (Field("part", checks.PARTS), Field("layer", checks.LAYERS))),
    Exercise("audit", checks.audit_line, "audit.py", (Field("request"),)),
    Exercise("chat", checks.chat, "login_relay.py"),
    Exercise("sign-out", checks.sign_out, "mcp_tools.py"),
)
"""In the order in which they are done; any may be done at any time."""

_BY_ID = {exercise.id: exercise for exercise in EXERCISES}


async def progress(process: Process, sub: str) -> dict[str, Progress]:
    """How far this person is, by exercise. Raises StateUnavailable."""
    return {name: found for name, found in (await process.state.workshop.of(sub)).items() if name in _BY_ID}


async def check(process: Process, cookie: str, exercise: str, given: Mapping[str, str]) -> Verdict:
    """Ask the real servers whether it is done, and keep what they say.

    Raises SessionEnded, StateUnavailable, and whatever Problem a part of the demo has.
    """
    found = _BY_ID[exercise]
    answers = {field.id: given.get(field.id, "").strip() for field in found.fields}
    if not all(answers.values()):
        return Verdict(False, t("workshop.answer-first"))
    session = await process.sessions.renewed(cookie)
    known = (await process.state.workshop.of(session.sub)).get(exercise, Progress())
    verdict = await found.check(Attempt(process, cookie, session, known.kept, answers))
    if verdict.done or verdict.kept is not None:
        await process.state.workshop.note(session.sub, session.username, exercise, kept=verdict.kept, done=verdict.done)
    return verdict


async def participants(process: Process, cookie: str) -> list[Participant]:
    """Everybody who began. Raises NotFacilitator, SessionEnded, StateUnavailable."""
    await as_facilitator(process, cookie)
    return await process.state.workshop.participants()


async def reset(process: Process, cookie: str, sub: str = "") -> int:
    """Forget one person's progress, or everybody's and every suspension; how many people begin anew.

    Raises NotFacilitator, SessionEnded, StateUnavailable.
    """
    await as_facilitator(process, cookie)
    if not sub:
        for stopped in await process.state.suspensions():
            await process.state.resume(stopped.server)
    return await process.state.workshop.reset(sub)
