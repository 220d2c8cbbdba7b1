"""Atlassian Document Format to plain text and back: REST v3 speaks the first, v2 the second.

Source: Atlassian, "Atlassian Document Format". Text survives the way there and back unchanged.
"""

from __future__ import annotations

from typing import Any

from mock_services.jira.model import Document

MAX_DEPTH = 50
"""Levels of nesting that are accepted; deeper documents are refused."""


def from_text(text: str) -> Document:
    """A document with one paragraph per blank-line separated block."""
    return {"type": "doc", "version": 1, "content": [_paragraph(block) for block in text.split("\n\n")]}


def to_text(document: Document | None) -> str:
    """The readable text of a document: blocks apart by a blank line, list items marked."""
    if document is None:
        return ""
    return "\n\n".join(_block(node) for node in document.get("content", ()))


def valid(value: Any) -> bool:
    """True when ``value`` can be taken for a document."""
    return (
        isinstance(value, dict)
        and value.get("type") == "doc"
        and value.get("version") == 1
        and _nested(value, MAX_DEPTH)
    )


def _paragraph(block: str) -> Document:
    content: list[Document] = []
    for number, line in enumerate(block.split("\n")):
        if number:
            content.append({"type": "hardBreak"})
        if line:
            content.append({"type": "text", "text": line})
    return {"type": "paragraph", "content": content}


def _block(node: Document) -> str:
    kind, children = node.get("type"), node.get("content", ())
    if kind in ("bulletList", "orderedList"):
        marks = (f"{n}." if kind == "orderedList" else "*" for n in range(1, len(children) + 1))
        return "\n".join(f"{mark} {_block(item)}" for mark, item in zip(marks, children, strict=True))
    if any(child.get("type") in ("paragraph", "bulletList", "orderedList", "listItem") for child in children):
        return "\n".join(_block(child) for child in children)
    return "".join(_inline(child) for child in children)


def _inline(node: Document) -> str:
    if node.get("type") == "hardBreak":
        return "\n"
    if "text" in node:
        return str(node["text"])
    attributes = node.get("attrs", {})
    return str(attributes.get("text") or attributes.get("url") or _block(node))


def _nested(node: Any, levels: int) -> bool:
    """True when every node is an object with a type, a list of nodes as content, and text that is text."""
    if not isinstance(node, dict) or not isinstance(node.get("type"), str) or levels == 0:
        return False
    children = node.get("content", [])
    return (
        isinstance(children, list)
        and isinstance(node.get("text", ""), str)
        and isinstance(node.get("attrs", {}), dict)
        and all(_nested(child, levels - 1) for child in children)
    )
