"""JQL's ``~``: words and "exact phrases" in any case, with ``*`` and ``?``. No stemming."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from fnmatch import translate

from mock_services.jira import adf
from mock_services.jira.model import JiraIssue


def _comments(issue: JiraIssue) -> list[str]:
    return [adf.to_text(comment.body) for comment in issue.comments]


FIELDS: Mapping[str, Callable[[JiraIssue], Sequence[str]]] = {
    "summary": lambda issue: [issue.summary],
    "description": lambda issue: [adf.to_text(issue.description)],
    "comment": _comments,
    "text": lambda issue: [issue.summary, adf.to_text(issue.description), *_comments(issue)],
}
"""The searchable texts of an issue, by JQL field."""

_PART = re.compile(r'"([^"]+)"|(\S+)')


def matcher(query: str) -> Callable[[str], bool]:
    """A test that is true for a text holding every word and phrase of ``query``; no words match nothing."""
    phrases = [_words(phrase or word, r"[\w*?]+") for phrase, word in _PART.findall(query)]
    # fnmatch's patterns do not backtrack, so a value full of asterisks costs no more than another.
    patterns = [[re.compile(translate(word)) for word in phrase] for phrase in phrases if phrase]

    def contains(text: str) -> bool:
        words = _words(text, r"\w+")
        return bool(patterns) and all(_holds(words, phrase) for phrase in patterns)

    return contains


def _words(text: str, shape: str) -> list[str]:
    return re.findall(shape, text.lower())


def _holds(words: list[str], phrase: list[re.Pattern[str]]) -> bool:
    """True when ``phrase`` matches consecutive ``words`` somewhere."""
    return any(
        all(pattern.match(words[start + step]) for step, pattern in enumerate(phrase))
        for start in range(len(words) - len(phrase) + 1)
    )
