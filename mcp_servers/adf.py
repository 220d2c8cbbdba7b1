"""Atlassian Document Format, as descriptions and comments need it: text to document, document to text.

Every node and mark of the published schema has a reading here, and an unknown one is named with its text kept.
The converters on PyPI were weighed: they refuse, drop or crash on documents like these (unknown nodes, null
content, deep nesting), and none reads all nodes.

https://developer.atlassian.com/cloud/jira/platform/apis/document/structure/
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import groupby
from typing import Any

from mcp_servers import adf_words as words
from mcp_servers.adf_words import Node

_DEEPEST = 40
"""Levels of nesting that keep their form; the text of what lies deeper follows in one line."""


def document(text: str) -> dict[str, Any]:
    """``text`` as a document: blank lines part paragraphs, line ends become hard breaks."""
    paragraphs = [part for part in text.replace("\r\n", "\n").split("\n\n") if part.strip()]
    return {"type": "doc", "version": 1, "content": [_written(part) for part in paragraphs]}


def plain(node: Any) -> str:
    """A document's text, one block per line; lists, ticks, links, tables and quotes as Markdown writes them.

    Takes anything: what is not a document is the empty string, and wrong parts of one are left out.
    """
    return "\n".join(_block(node, 0)).strip() if isinstance(node, Mapping) else ""


def _written(part: str) -> dict[str, Any]:
    content: list[dict[str, Any]] = []
    for number, line in enumerate(part.strip("\n").split("\n")):
        if number:
            content.append({"type": "hardBreak"})
        if line:
            content.append({"type": "text", "text": line})
    return {"type": "paragraph", "content": content}


# Blocks: nodes that are lines of their own. Each reading takes the node and its depth.


def _block(node: Node, depth: int) -> list[str]:
    if depth > _DEEPEST:
        return [words.flat(node)]
    lines = _BLOCKS.get(words.kind_of(node), _unknown)(node, depth)
    if words.kind_of(node) != "text" and (unknown := words.unknown_marks(node)):
        lines = [*lines, unknown]
    return lines


def _body(node: Node, depth: int, *, among_words: bool = False) -> list[str]:
    """The lines inside a node. ``among_words``: what is unknown in it is part of the line, as in a paragraph."""
    lines: list[str] = []
    for inline, group in groupby(words.children_of(node), lambda child: _is_inline(child, among_words)):
        if inline:
            lines += words.line_of(group).split("\n")
        else:
            lines += [line for child in group for line in _block(child, depth + 1)]
    return lines


def _is_inline(node: Node, among_words: bool) -> bool:
    kind = words.kind_of(node)
    return kind == "text" or kind in words.INLINE or (among_words and kind not in _BLOCKS)


def _paragraph(node: Node, depth: int) -> list[str]:
    return _body(node, depth, among_words=True) or [""]


def _after(marker: str, lines: list[str]) -> list[str]:
    """``lines`` behind a marker, the second and later ones below the first."""
    first, *others = lines or [""]
    return [f"{marker}{first}".rstrip(), *(f"{' ' * len(marker)}{line}".rstrip() for line in others)]


def _before_each(prefix: str, lines: list[str]) -> list[str]:
    return [f"{prefix}{line}".rstrip() for line in lines]


def _bullets(node: Node, depth: int) -> list[str]:
    return _items(node, depth, lambda _: "- ")


def _numbers(node: Node, depth: int) -> list[str]:
    order = words.attributes_of(node).get("order")
    start = order if isinstance(order, int) and not isinstance(order, bool) else 1
    return _items(node, depth, lambda number: f"{start + number}. ")


def _items(node: Node, depth: int, marker: Callable[[int], str]) -> list[str]:
    lines: list[str] = []
    number = 0
    for child in words.children_of(node):
        if words.kind_of(child) in _LISTS:
            lines += _before_each("  ", _block(child, depth + 1))
            continue
        item = _paragraph(child, depth + 1) if words.kind_of(child) == "text" else _block(child, depth + 1)
        lines += _after("" if words.kind_of(child) in _TICKED else marker(number), item)
        number += 1
    return lines


def _task(node: Node, depth: int) -> list[str]:
    done = words.as_text(words.attributes_of(node).get("state")).upper() == "DONE"
    return _after("- [x] " if done else "- [ ] ", _body(node, depth, among_words=True))


def _decision(node: Node, depth: int) -> list[str]:
    state = words.as_text(words.attributes_of(node).get("state"))
    named = "Decision: " if state in ("", "DECIDED") else f"Decision ({state.lower()}): "
    return _after(named, _body(node, depth, among_words=True))


def _expand(node: Node, depth: int) -> list[str]:
    title, body = words.first_of(words.attributes_of(node), "title"), _body(node, depth)
    return [f"▸ {title}", *_before_each("  ", body)] if title else body


def _panel(node: Node, depth: int) -> list[str]:
    attributes = words.attributes_of(node)
    icon = words.first_of(attributes, "panelIconText", "panelIcon") if attributes.get("panelType") == "custom" else ""
    return _after(f"{icon or '[' + (words.first_of(attributes, 'panelType') or 'panel') + ']'} ", _body(node, depth))


def _code(node: Node, _: int) -> list[str]:
    text = "".join(words.inline_of(child) for child in words.children_of(node))
    fence = "```"
    while fence in text:
        fence += "`"
    return [f"{fence}{words.first_of(words.attributes_of(node), 'language')}", *text.split("\n"), fence]


def _table(node: Node, depth: int) -> list[str]:
    numbered = words.attributes_of(node).get("isNumberColumnEnabled") is True
    lines, number = [], 0
    for row in words.children_of(node):
        heads = all(words.kind_of(cell) == "tableHeader" for cell in words.children_of(row))
        number += not heads
        count = "#" if heads else number
        lines += _before_each(f"{count} | " if numbered else "", _block(row, depth + 1))
    return lines


def _row(node: Node, depth: int) -> list[str]:
    """A row in one line: its cells apart by bars, a cell's own lines by slashes."""
    cells = ([line for line in _cell(cell, depth + 1) if line.strip()] for cell in words.children_of(node))
    return [" | ".join(" / ".join(lines) for lines in cells)]


def _cell(node: Node, depth: int) -> list[str]:
    return words.line_of([node]).split("\n") if _is_inline(node, among_words=False) else _block(node, depth)


def _media(node: Node, _: int) -> list[str]:
    """An attachment's name, or a picture's address; where it leads, if it is a link."""
    return [words.linked(words.file(words.attributes_of(node)), words.link_of(node)[0])]


def _media_single(node: Node, depth: int) -> list[str]:
    lines, (address, _) = _body(node, depth), words.link_of(node)
    return [words.linked(lines[0], address), *lines[1:]] if lines else [address]


def _bodied_extension(node: Node, depth: int) -> list[str]:
    return [words.extension(words.attributes_of(node)), *_before_each("  ", _body(node, depth))]


def _synced(node: Node, _: int) -> list[str]:
    return [words.named("synced block", words.first_of(words.attributes_of(node), "resourceId"))]


def _unknown(node: Node, depth: int) -> list[str]:
    """A node that the schema did not have: its name, and all that it says."""
    head = words.head_of(node)
    return [*([head] if head else []), *_body(node, depth)]


_LISTS = ("bulletList", "orderedList", "taskList", "decisionList")
_TICKED = ("taskItem", "blockTaskItem", "decisionItem")

_BLOCKS: dict[str, Callable[[Node, int], list[str]]] = {
    **dict.fromkeys(("doc", "layoutSection", "layoutColumn", "listItem", "mediaGroup"), _body),
    **dict.fromkeys(("tableCell", "tableHeader", "bodiedSyncBlock"), _body),
    **dict.fromkeys(("paragraph", "heading", "caption"), _paragraph),
    "text": lambda node, _: words.line_of([node]).split("\n"),
    "blockquote": lambda node, depth: _before_each("> ", _body(node, depth)),
    "codeBlock": _code,
    "panel": _panel,
    "rule": lambda _, __: ["---"],
    "bulletList": _bullets,
    "orderedList": _numbers,
    **dict.fromkeys(("taskList", "decisionList"), _bullets),
    **dict.fromkeys(("taskItem", "blockTaskItem"), _task),
    "decisionItem": _decision,
    **dict.fromkeys(("expand", "nestedExpand"), _expand),
    "table": _table,
    "tableRow": _row,
    "media": _media,
    "mediaSingle": _media_single,
    **dict.fromkeys(("blockCard", "embedCard"), lambda node, _: [words.card(words.attributes_of(node))]),
    "extension": lambda node, _: [words.extension(words.attributes_of(node))],
    **dict.fromkeys(("bodiedExtension", "multiBodiedExtension"), _bodied_extension),
    "syncBlock": _synced,
}

NODES = frozenset({*words.INLINE, *_BLOCKS})
"""Nodes that have a reading."""

MARKS = frozenset(words.MARKS)
"""Marks that have a reading."""
