"""Sentences in English that another language can say again: each keeps the template it was made of, and the values.

An application that speaks another language looks the template up (it is the message's id, as in gettext), and fills the
same values in. A sentence without values is its own template, so plain text needs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any


class Sentence(str):
    """``template`` with ``values`` filled in (``str.format``). A value may be a sentence itself."""

    template: str
    values: Mapping[str, Any]

    def __new__(cls, template: str, /, **values: Any) -> Sentence:
        """The English text, which is what it is everywhere where nobody asks for another language."""
        return cls._made(template.format(**values) if values else template, template, values)

    @classmethod
    def _made(cls, text: str, template: str, values: Mapping[str, Any]) -> Sentence:
        sentence = super().__new__(cls, text)
        sentence.template, sentence.values = template, values
        return sentence

    def __getnewargs_ex__(self) -> tuple[tuple[str], dict[str, Any]]:
        """For copies."""
        return (self.template,), dict(self.values)

    @classmethod
    def read(cls, text: str, form: Any) -> str:
        """The sentence that another process wrote (:func:`form_of`); the bare ``text`` if ``form`` is not one.

        A template that comes from elsewhere is a key to look up, and is never filled in.
        """
        if not isinstance(form, Mapping) or not isinstance(form.get("template"), str):
            return text
        sent = form.get("values")
        values = {str(name): _value(value) for name, value in sent.items()} if isinstance(sent, Mapping) else {}
        return cls._made(text, form["template"], values)


def template_of(text: str) -> str:
    """What another language has to translate."""
    return text.template if isinstance(text, Sentence) else text


def values_of(text: str) -> Mapping[str, Any]:
    """What is filled in."""
    return text.values if isinstance(text, Sentence) else {}


def joined(separator: str, parts: Iterable[str]) -> Sentence:
    """Several clauses as one. ``separator`` holds no words: those would need a translation."""
    named = {f"part{number}": part for number, part in enumerate(parts)}
    return Sentence(separator.join(f"{{{name}}}" for name in named), **named)


def masked(text: str, mask: Callable[[str], str]) -> str:
    """``mask(text)``, as a sentence as long as masking each value hides just as much."""
    shown = mask(text)
    if not isinstance(text, Sentence):
        return shown
    values = {name: masked(value, mask) if isinstance(value, str) else value for name, value in text.values.items()}
    again = Sentence(text.template, **values)
    return again if again == shown else shown


def form_of(text: str) -> Any:
    """JSON for :meth:`Sentence.read`; None for a text that is its own template."""
    if not isinstance(text, Sentence) or not text.values:
        return None
    return {"template": text.template, "values": {name: _sent(value) for name, value in text.values.items()}}


def with_words(**texts: str) -> dict[str, Any]:
    """``{"words": …}`` with the form of each text that has one; empty if none has."""
    forms = {name: form for name, text in texts.items() if (form := form_of(text)) is not None}
    return {"words": forms} if forms else {}


def _sent(value: Any) -> Any:
    if isinstance(value, Sentence) and value.values:
        return {"text": str(value), **form_of(value)}
    return value if isinstance(value, int | float) else str(value)


def _value(sent: Any) -> Any:
    if isinstance(sent, Mapping):
        return Sentence.read(str(sent.get("text", "")), sent)
    return sent if isinstance(sent, int | float) else str(sent)
