"""Errors in the language of whoever reads them: the sentence's template is looked up, and its values are filled in.

Programs make their sentences in English (:mod:`fastmcp_vault.sentences`); what another language says is in the modules
of ``common/speech/<language>/``, each with ``TEXTS``.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Collection, Mapping
from functools import cache
from string import Formatter
from typing import Any

from fastmcp_vault.errors import Problem
from fastmcp_vault.sentences import template_of, values_of

ENGLISH = "en"
LANGUAGES = (ENGLISH, "ko")


@cache
def catalogue(language: str) -> Mapping[str, str]:
    """What a language says, by the English template; empty for English and for what is not spoken here."""
    return texts_in(f"{__name__}.{language}") if language in LANGUAGES and language != ENGLISH else {}


def texts_in(name: str) -> dict[str, str]:
    """The ``TEXTS`` of every module in a package. Raises ValueError where two modules hold the same key."""
    package = importlib.import_module(name)
    texts: dict[str, str] = {}
    for module in pkgutil.iter_modules(package.__path__, f"{name}."):
        part: dict[str, str] = importlib.import_module(module.name).TEXTS
        twice = part.keys() & texts.keys()
        if twice:
            raise ValueError(f"{module.name}: {', '.join(sorted(twice))} stands in another module too")
        texts.update(part)
    return texts


def said(text: str, language: str) -> str:
    """``text`` in ``language``; as it is where that language has no words for it."""
    texts, template, values = catalogue(language), template_of(text), values_of(text)
    if not texts:
        return str(text)
    told = {name: said(value, language) if isinstance(value, str) else value for name, value in values.items()}
    try:
        if template in texts:
            return texts[template].format(**told) if told else texts[template]
        return _put_together(template, told) if told else str(text)
    except (LookupError, ValueError):
        # The form came from another process and does not fit, or there is no translation.
        return str(text)


def said_problem(problem: Problem, language: str) -> str:
    """What happened and what to do, in ``language``."""
    return f"{said(problem.what, language)} {said(problem.fix, language)}".strip()


def has_words(template: str) -> bool:
    """Whether there is anything to translate beside the values."""
    return any(character.isalpha() for literal, *_ in Formatter().parse(template) for character in literal)


def _put_together(template: str, told: Mapping[str, Any]) -> str:
    """Values with nothing but punctuation between: plain names only, for the template may be another process's."""
    if has_words(template) or any(name is not None and (spec or turned) for _, name, spec, turned in _parts(template)):
        raise ValueError(template)
    return "".join(literal + (str(told[name]) if name is not None else "") for literal, name, _, _ in _parts(template))


def _parts(template: str) -> list[tuple[str, str | None, str | None, str | None]]:
    return list(Formatter().parse(template))


def preferred(header: str, known: Collection[str] = LANGUAGES) -> str | None:
    """The language of ``known`` that an ``Accept-Language`` header wants most (RFC 9110 §12.5.4), None for none.

    The first of those with the highest weight; ``*`` stands for English, and a weight of 0 for "not this one".
    """
    best, weight = None, 0.0
    for part in header.split(","):
        name, *parameters = (piece.strip() for piece in part.split(";"))
        code = ENGLISH if name == "*" else name.partition("-")[0].lower()
        wanted = _weight(parameters)
        if code in known and wanted > weight:
            best, weight = code, wanted
    return best


def spoken(header: str | None) -> str:
    """The language to answer in: the one preferred, else English."""
    return preferred(header or "") or ENGLISH


def _weight(parameters: Collection[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "q":
            try:
                return min(1.0, float(value))
            except ValueError:
                return 0.0
    return 1.0
