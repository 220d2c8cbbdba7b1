"""Documents and text: text survives the way into a document and back; a document reads as a person would read it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mock_services.jira import adf


@given(st.text())
def test_text_becomes_a_valid_document_and_the_same_text_again(text: str) -> None:
    document = adf.from_text(text)
    assert adf.valid(document)
    assert adf.to_text(document) == text


def test_a_document_reads_as_text() -> None:
    document = {
        "type": "doc",
        "version": 1,
        "content": [
            {"type": "paragraph", "content": [{"type": "text", "text": "Ask "}, _mention("@Bob"), _text(" today")]},
            {"type": "orderedList", "content": [_item("first"), _item("second")]},
            {"type": "codeBlock", "content": [_text("a = 1\nb = 2")]},
            {"type": "rule"},
        ],
    }
    assert adf.to_text(document) == "Ask @Bob today\n\n1. first\n2. second\n\na = 1\nb = 2\n\n"
    assert adf.to_text(None) == ""


def test_what_is_no_document_is_told_apart() -> None:
    deep: dict[str, object] = {"type": "paragraph"}
    for _ in range(60):
        deep = {"type": "blockquote", "content": [deep]}
    wrong = [
        None,
        "text",
        {"type": "doc"},
        {"type": "paragraph", "version": 1},
        {"type": "doc", "version": 1, "content": {}},
        {"type": "doc", "version": 1, "content": [{"content": []}]},
        {"type": "doc", "version": 1, "content": [{"type": "text", "text": 1}]},
        {"type": "doc", "version": 1, "content": [deep]},
    ]
    assert [value for value in wrong if adf.valid(value)] == []


def _text(text: str) -> dict[str, object]:
    return {"type": "text", "text": text}


def _mention(text: str) -> dict[str, object]:
    return {"type": "mention", "attrs": {"id": "712020:x", "text": text}}


def _item(text: str) -> dict[str, object]:
    return {"type": "listItem", "content": [{"type": "paragraph", "content": [_text(text)]}]}
