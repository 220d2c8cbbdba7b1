"""What to do about an error, in the words of the program that uses the library.

The library's own advice fits any installation. A program that knows more (which command mends it, which file to edit)
gives its words once, before it serves.
"""

from __future__ import annotations

from collections.abc import Mapping

from fastmcp_vault.sentences import Sentence, template_of, values_of

_given: dict[str, str] = {}


def give_advice(words: Mapping[str, str]) -> None:
    """Use ``words`` instead of the library's: a template of its own by the library's template.

    A template may use every value that the library gives for that advice, also those that its own words leave out.
    """
    _given.update(words)


def advice(text: str) -> str:
    """``text``, or what the program says in its place."""
    own = _given.get(template_of(text))
    if own is None:
        return text
    values = values_of(text)
    return Sentence(own, **values) if values else own
