"""The words of Atlassian documents: inline nodes, marks and links as plain text, whatever a document holds.

The published schema is the npm package @atlaskit/adf-schema, dist/json-schema/v1/full.json.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any

Node = Mapping[str, Any]

_FILE_NAMES = ("alt", "__fileName", "fileName", "name", "title")
"""Attributes in which Jira names an attachment, the first one found."""

# A node's parts, whatever a document holds in their place.


def kind_of(node: Any) -> str:
    """A node's or mark's type; nothing if it has none."""
    kind = node.get("type") if isinstance(node, Mapping) else None
    return kind if isinstance(kind, str) else ""


def attributes_of(node: Node) -> Node:
    """A node's or mark's ``attrs``."""
    attributes = node.get("attrs")
    return attributes if isinstance(attributes, Mapping) else {}


def children_of(node: Node) -> list[Node]:
    """The nodes inside; a text without a node around it counts as one."""
    content = node.get("content")
    children = [content] if isinstance(content, Mapping) else content if isinstance(content, list) else []
    as_nodes = ({"type": "text", "text": child} if isinstance(child, str) else child for child in children)
    return [child for child in as_nodes if isinstance(child, Mapping)]


def marks_of(node: Node) -> list[Node]:
    """A node's marks."""
    marks = node.get("marks")
    return [mark for mark in marks if isinstance(mark, Mapping)] if isinstance(marks, list) else []


def as_text(value: Any) -> str:
    """A text or number as text; nothing for anything else."""
    return str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""


def first_of(attributes: Node, *names: str) -> str:
    """The first of these attributes that says anything."""
    return next((found for name in names if (found := as_text(attributes.get(name)))), "")


# Inline: nodes that are words in a line. Each reading takes the attributes.


def _date(attributes: Node) -> str:
    """The day of ``timestamp``: milliseconds since 1970, at midnight UTC."""
    given = as_text(attributes.get("timestamp"))
    try:
        day = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=int(given))
    except (ValueError, OverflowError):
        return given
    return day.date().isoformat()


def _mention(attributes: Node) -> str:
    name = first_of(attributes, "text", "id")
    return name if name.startswith("@") else f"@{name}"


def card(attributes: Node) -> str:
    """A link shown as a card: its name where the document holds it, and its address or search."""
    data, source = attributes.get("data"), attributes.get("datasource")
    data = data if isinstance(data, Mapping) else {}
    parameters = source.get("parameters") if isinstance(source, Mapping) else None
    parameters = parameters if isinstance(parameters, Mapping) else {}
    address = (
        first_of(attributes, "url") or first_of(data, "url", "@id") or first_of(parameters, "jql", "cql", "filter")
    )
    return linked(first_of(data, "name", "title") or first_of(attributes, "title"), address) or "[card]"


def file(attributes: Node) -> str:
    """An attachment: its name and, for a picture from elsewhere, its address."""
    name, address = first_of(attributes, *_FILE_NAMES), first_of(attributes, "url")
    return f"[attachment: {linked(name, address) or first_of(attributes, 'id')}]"


def linked(name: str, address: str) -> str:
    """What is linked, and where it leads."""
    if not name or name == address:
        return address
    return f"{name} ({address})" if address else name


def extension(attributes: Node) -> str:
    """An app's macro: its name, and the text that stands for it."""
    key = first_of(attributes, "extensionKey", "extensionType")
    return named(f"extension {key}".rstrip(), first_of(attributes, "text"))


def named(name: str, label: str) -> str:
    """A thing that has no words of its own, in brackets."""
    return f"[{name}: {label}]" if label else f"[{name}]"


INLINE: dict[str, Callable[[Node], str]] = {
    "hardBreak": lambda _: "\n",
    "mention": _mention,
    "emoji": lambda attributes: first_of(attributes, "text", "shortName", "id"),
    "status": lambda attributes: f"[{first_of(attributes, 'text')}]",
    "date": _date,
    "placeholder": lambda attributes: f"[{first_of(attributes, 'text')}]",
    "inlineCard": card,
    "mediaInline": file,
    "inlineExtension": extension,
}


def line_of(nodes: Iterable[Node]) -> str:
    """Inline nodes as one text; a link's target follows all that belongs to the link."""
    parts = []
    for (address, title), covered in groupby(nodes, link_of):
        text = "".join(inline_of(node) for node in covered)
        parts.append(linked(text, f"{address} “{title}”" if title else address))
    return "".join(parts)


def inline_of(node: Node) -> str:
    """A node as words with its marks; an unknown one as its name and all that it says."""
    kind = kind_of(node)
    if kind in INLINE:
        text = INLINE[kind](attributes_of(node))
    elif kind == "text":
        text = as_text(node.get("text"))
    else:
        text = " ".join(filter(None, (head_of(node), *map(flat, children_of(node)))))
    for mark in marks_of(node):
        text = MARKS.get(kind_of(mark), _unknown_mark)(text, mark)
    return text


def head_of(node: Node) -> str:
    """An unknown node's name, with what its attributes and its own text say."""
    label = first_of(attributes_of(node), "text", "title", "shortName", *_FILE_NAMES, "url", "label")
    kind = kind_of(node)
    return " ".join(filter(None, (named(kind, label) if kind else label, as_text(node.get("text")))))


# Marks: what changes a text's meaning is written, what changes its look is not.


def link_of(node: Node) -> tuple[str, str]:
    """Where a node's link leads, and the link's title."""
    found = next((attributes_of(mark) for mark in marks_of(node) if kind_of(mark) == "link"), {})
    return first_of(found, "href"), first_of(found, "title")


def unknown_marks(node: Node) -> str:
    """The names of a block's marks that the schema did not have."""
    return " ".join(f"[{kind}]" for mark in marks_of(node) if (kind := kind_of(mark)) and kind not in MARKS)


def _unknown_mark(text: str, mark: Node) -> str:
    return f"{text} [{kind_of(mark)}]" if kind_of(mark) else text


MARKS: dict[str, Callable[[str, Node], str]] = {
    "code": lambda text, _: f"`{text}`",
    "strike": lambda text, _: f"~~{text}~~",
    "subsup": lambda text, mark: f"{'_' if attributes_of(mark).get('type') == 'sub' else '^'}{text}",
    "link": lambda text, _: text,  # Written by line_of, once for all that it covers.
    **dict.fromkeys(
        (
            *("strong", "em", "underline", "textColor", "backgroundColor", "fontSize", "border"),
            *("alignment", "indentation", "breakout", "annotation", "dataConsumer", "fragment"),
        ),
        lambda text, _: text,
    ),
}


def flat(node: Node) -> str:
    """All the words below a node in one line, found without recursion."""
    words: list[str] = []
    waiting = [node]
    while waiting:
        one = waiting.pop()
        read = INLINE.get(kind_of(one))
        words.append((read(attributes_of(one)) if read else as_text(one.get("text"))).strip())
        words.append("" if read else first_of(attributes_of(one), "title", *_FILE_NAMES, "url", "text"))
        words.append(link_of(one)[0])
        waiting += reversed(children_of(one))
    return " ".join(filter(None, words))
