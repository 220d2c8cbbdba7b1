"""Every sentence of the interface by its key, one catalogue per language, one module per page in it.

A page's sentences are ``app/texts/<language>/<page>.py``, each with ``TEXTS``; whatever lies there is found.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any

from common.speech import preferred, said, said_problem, texts_in
from fastmcp_vault.errors import Problem

LANGUAGES: Mapping[str, str] = {"en": "English", "ko": "한국어"}
"""Every language by its code (BCP 47), with its own name for itself; the first is the one to fall back to."""

DEFAULT = next(iter(LANGUAGES))

_spoken: ContextVar[str] = ContextVar("language")
_elsewhere: list[Callable[[], str | None]] = []


@cache
def catalogue(language: str) -> Mapping[str, str]:
    """All sentences of one language. Raises ValueError where two modules hold the same key."""
    return texts_in(f"{__name__}.{language}")


def t(key: str, **values: Any) -> str:
    """The sentence of ``key`` in the language being spoken, with ``values`` filled in. KeyError for an unknown key."""
    text = catalogue(language()).get(key) or catalogue(DEFAULT)[key]
    return text.format(**values) if values else text


def told(text: str) -> str:
    """An error's sentence, be it of another program, in the language being spoken."""
    return said(text, language())


def told_problem(problem: Problem) -> str:
    """What happened and what to do, in the language being spoken."""
    return said_problem(problem, language())


def has(key: str) -> bool:
    """Whether the catalogue holds ``key``."""
    return key in catalogue(DEFAULT)


def language() -> str:
    """The code of the language being spoken in this task or thread, or where :func:`look_up` says."""
    known = _spoken.get("")
    if not known:
        known = next((code for ask in _elsewhere if (code := ask())), DEFAULT)
        _spoken.set(known)
    return known


def look_up(ask: Callable[[], str | None]) -> None:
    """Ask this where a thread was not told its language: Streamlit runs parts of a page in threads of their own."""
    _elsewhere.append(ask)


def speak(code: str) -> None:
    """Speak this language from now on in this task or thread, and in whatever it hands to the loop."""
    _spoken.set(code if code in LANGUAGES else DEFAULT)


@contextmanager
def speaking(code: str) -> Iterator[None]:
    """Speak this language inside the block."""
    token = _spoken.set(code if code in LANGUAGES else DEFAULT)
    try:
        yield
    finally:
        _spoken.reset(token)


def wanted(*, asked: str | None = None, remembered: str | None = None, accepted: str | None = None) -> str:
    """The language to speak: asked for now, else remembered in a cookie, else the one that the browser wants most.

    ``accepted`` is a locale (``ko-KR``) or an ``Accept-Language`` header.
    """
    for code in (asked or "", remembered or ""):
        if code in LANGUAGES:
            return code
    return preferred(accepted or "", LANGUAGES) or DEFAULT
