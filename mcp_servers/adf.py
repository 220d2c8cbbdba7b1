"""Atlassian Document Format, as far as descriptions and comments need it: text to document, document to text.

https://developer.atlassian.com/cloud/jira/platform/apis/document/structure/
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

_DEEPEST = 40
"""Documents nested deeper than this are cut: no person writes one."""

_BLOCKS = {"paragraph", "heading", "codeBlock", "blockquote", "panel", "rule", "mediaSingle", "table", "tableRow"}


def document(text: str) -> dict[str, Any]:
    """``text`` as a document: blank lines part paragraphs, line ends become hard breaks."""
    paragraphs = [part for part in text.replace("\r\n", "\n").split("\n\n") if part.strip()]
    return {"type": "doc", "version": 1, "content": [_paragraph(part) for part in paragraphs]}


def plain(node: Any, *, depth: int = 0) -> str:
    """A document's text, one block per line; what is not text (mentions, links, emoji) as its label."""
    if not isinstance(node, Mapping) or depth > _DEEPEST:
        return ""
    kind = node.get("type")
    if kind in _LEAVES:
        return _LEAVES[kind](node)
    children = node.get("content")
    inner = "".join(plain(child, depth=depth + 1) for child in children) if isinstance(children, list) else ""
    if kind in _BLOCKS:
        return f"{inner}\n"
    return _AROUND[kind].format(inner.strip()) if kind in _AROUND else inner


def _label(node: Mapping[str, Any]) -> str:
    attributes = node.get("attrs") or {}
    return str(next((attributes[k] for k in ("text", "shortName", "url", "timestamp") if attributes.get(k)), ""))


_LEAVES: dict[Any, Callable[[Mapping[str, Any]], str]] = {
    "text": lambda node: str(node.get("text", "")),
    "hardBreak": lambda _: "\n",
    **dict.fromkeys(("mention", "emoji", "status", "date", "inlineCard", "blockCard"), _label),
}

_AROUND: dict[Any, str] = {"doc": "{}", "listItem": "- {}\n", "tableCell": "{} ", "tableHeader": "{} "}


def _paragraph(text: str) -> dict[str, Any]:
    content: list[dict[str, Any]] = []
    for number, line in enumerate(text.strip("\n").split("\n")):
        if number:
            content.append({"type": "hardBreak"})
        if line:
            content.append({"type": "text", "text": line})
    return {"type": "paragraph", "content": content}
