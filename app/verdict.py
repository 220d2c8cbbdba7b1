"""The answer first: one sentence on what an action showed. Knows no Streamlit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from app.actions import ActionDone, ServerView
from app.mcp_client import LABELS
from app.texts import t, told, told_problem
from fastmcp_vault.errors import sentences_of

Tone = Literal["good", "partly", "bad"]


@dataclass(frozen=True, slots=True)
class PageVerdict:
    """A sentence and how good the news is."""

    sentence: str
    tone: Tone


def of_loading(views: Mapping[str, ServerView], username: str) -> PageVerdict:
    """How many servers act as this person, and for each other one why not."""
    reasons = [_reason(view, username) for view in views.values()]
    bad = [reason for reason in reasons if reason]
    good = len(reasons) - len(bad)
    if not bad:
        return PageVerdict(t("verdict.all", count=good, username=username), "good")
    sentence = t("verdict.some", good=good, count=len(reasons), username=username, reasons=" ".join(bad))
    return PageVerdict(sentence, "partly" if good else "bad")


def of_executing(done: ActionDone, server: str, tool: str, username: str) -> PageVerdict:
    """Whether the tool ran."""
    if done.answer is not None and done.answer.asked is not None:
        return PageVerdict(t("verdict.asked", tool=tool, server=LABELS[server], username=username), "partly")
    if done.problem is None:
        return PageVerdict(t("verdict.executed", tool=tool, server=LABELS[server], username=username), "good")
    reason = told(done.problem.what)
    return PageVerdict(t("verdict.refused", tool=tool, server=LABELS[server], reason=reason), "bad")


def acts(view: ServerView) -> bool:
    """Whether this server has the person's credential."""
    return view.problem is None and bool(view.credential and view.credential.get("present"))


def _reason(view: ServerView, username: str) -> str:
    label = LABELS[view.server]
    if view.problem is not None:
        return t("verdict.failed", server=label, reason=told_problem(view.problem))
    if not acts(view):
        reason = _missing(view.credential or {}) or t("verdict.no-reason")
        return t("verdict.missing", server=label, username=username, reason=reason)
    return ""


def _missing(credential: Mapping[str, Any]) -> str:
    """Why the server has no credential of this person."""
    problem = credential.get("problem")
    if not isinstance(problem, Mapping):
        return str(credential.get("reason") or "")
    return " ".join(filter(None, map(told, sentences_of(problem))))
