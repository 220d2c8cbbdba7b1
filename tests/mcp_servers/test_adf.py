"""Jira's rich text reads as text: every node and mark of the published schema, unknown ones, and broken documents."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_servers.adf import MARKS, NODES, document, plain

Json = dict[str, Any]

SCHEMA_VERSION = "@atlaskit/adf-schema 57.7.22, dist/json-schema/v1/full.json"

SCHEMA_NODES = [
    "blockCard",
    "blockTaskItem",
    "blockquote",
    "bodiedExtension",
    "bodiedSyncBlock",
    "bulletList",
    "caption",
    "codeBlock",
    "date",
    "decisionItem",
    "decisionList",
    "doc",
    "embedCard",
    "emoji",
    "expand",
    "extension",
    "hardBreak",
    "heading",
    "inlineCard",
    "inlineExtension",
    "layoutColumn",
    "layoutSection",
    "listItem",
    "media",
    "mediaGroup",
    "mediaInline",
    "mediaSingle",
    "mention",
    "nestedExpand",
    "orderedList",
    "panel",
    "paragraph",
    "placeholder",
    "rule",
    "status",
    "syncBlock",
    "table",
    "tableCell",
    "tableHeader",
    "tableRow",
    "taskItem",
    "taskList",
    "text",
]

SCHEMA_MARKS = [
    "alignment",
    "annotation",
    "backgroundColor",
    "border",
    "breakout",
    "code",
    "dataConsumer",
    "em",
    "fontSize",
    "fragment",
    "indentation",
    "link",
    "strike",
    "strong",
    "subsup",
    "textColor",
    "underline",
]


def node(kind: str, *content: Any, **attrs: Any) -> Json:
    return {"type": kind, "attrs": attrs, "content": list(content)}


def text(words: str, *marks: Json) -> Json:
    return {"type": "text", "text": words, "marks": list(marks)}


def mark(kind: str, **attrs: Any) -> Json:
    return {"type": kind, "attrs": attrs}


def para(*content: Any) -> Json:
    return node("paragraph", *(text(c) if isinstance(c, str) else c for c in content))


def doc(*content: Any) -> Json:
    return {"type": "doc", "version": 1, "content": list(content)}


READINGS: list[tuple[str, Json, str]] = [
    ("date", para("Due ", node("date", timestamp="1764028800000"), "."), "Due 2025-11-25."),
    ("date", para(node("date", timestamp=-86400000)), "1969-12-31"),
    ("date", para(node("date", timestamp="tomorrow")), "tomorrow"),
    ("date", para(node("date", timestamp="9" * 30)), "9" * 30),
    (
        "taskList taskItem blockTaskItem",
        node(
            "taskList",
            node("taskItem", text("Buy milk"), state="TODO"),
            node("taskItem", text("Pay rent"), state="DONE"),
            node("taskList", node("taskItem", text("in cash"), state="DONE")),
            node("blockTaskItem", para("first"), para("second"), state="TODO"),
        ),
        "- [ ] Buy milk\n- [x] Pay rent\n  - [x] in cash\n- [ ] first\n      second",
    ),
    (
        "decisionList decisionItem",
        node("decisionList", node("decisionItem", text("Use Vault"), state="DECIDED")),
        "Decision: Use Vault",
    ),
    ("decisionItem", node("decisionItem", text("Use it"), state="UNDECIDED"), "Decision (undecided): Use it"),
    ("expand", node("expand", para("Open it."), title="How"), "▸ How\n  Open it."),
    ("nestedExpand", node("nestedExpand", para("a"), para("b"), title="More"), "▸ More\n  a\n  b"),
    ("expand", node("expand", para("a")), "a"),
    (
        "orderedList listItem",
        node(
            "orderedList",
            node("listItem", para("one"), node("orderedList", node("listItem", para("inner")))),
            node("listItem", para("two"), para("and more")),
            order=9,
        ),
        "9. one\n   1. inner\n10. two\n    and more",
    ),
    ("orderedList", node("orderedList", node("listItem", para("zero")), order=0), "0. zero"),
    (
        "bulletList",
        node("bulletList", node("listItem", para("a"), node("bulletList", node("listItem", para("b"))))),
        "- a\n  - b",
    ),
    (
        "table tableRow tableHeader tableCell",
        node(
            "table",
            node("tableRow", node("tableHeader", para("Name")), node("tableHeader", para("Age"))),
            node("tableRow", node("tableCell", para("Ann"), para("Lee")), node("tableCell", para("7"))),
        ),
        "Name | Age\nAnn / Lee | 7",
    ),
    (
        "table",
        node(
            "table",
            node("tableRow", node("tableHeader", para("Name"))),
            node("tableRow", node("tableCell", para("Ann"))),
            isNumberColumnEnabled=True,
        ),
        "# | Name\n1 | Ann",
    ),
    ("panel", node("panel", para("Careful"), para("hot"), panelType="warning"), "[warning] Careful\n          hot"),
    ("panel", node("panel", para("Go"), panelType="custom", panelIconText="🚀"), "🚀 Go"),
    ("blockquote", node("blockquote", para("a"), para("b")), "> a\n> b"),
    ("codeBlock", node("codeBlock", text("a = 1\n\nb = 2"), language="python"), "```python\na = 1\n\nb = 2\n```"),
    ("codeBlock", node("codeBlock", text("```")), "````\n```\n````"),
    ("heading paragraph rule", doc(node("heading", text("Plan"), level=2), para("a"), node("rule")), "Plan\na\n---"),
    ("hardBreak", para("a", node("hardBreak"), "b"), "a\nb"),
    ("mention", para(node("mention", id="7", text="@Ann"), node("mention", id="8", text="Bob")), "@Ann@Bob"),
    ("mention", para(node("mention", id="712020:x")), "@712020:x"),
    ("emoji", para(node("emoji", shortName=":smile:", text="😄"), node("emoji", shortName=":own:")), "😄:own:"),
    ("status", para("It is ", node("status", text="Done", color="green")), "It is [Done]"),
    ("placeholder", para(node("placeholder", text="Say why")), "[Say why]"),
    ("inlineCard", para("See ", node("inlineCard", url="https://x.test/1")), "See https://x.test/1"),
    (
        "inlineCard",
        para(node("inlineCard", data={"name": "Plan", "url": "https://x.test/1"})),
        "Plan (https://x.test/1)",
    ),
    ("blockCard", node("blockCard", url="https://x.test/2"), "https://x.test/2"),
    ("blockCard", node("blockCard", datasource={"id": "i", "parameters": {"jql": "a = b"}}), "a = b"),
    ("blockCard", node("blockCard", datasource={"id": "i", "parameters": {}}), "[card]"),
    ("embedCard", node("embedCard", url="https://x.test/3", layout="wide"), "https://x.test/3"),
    (
        "mediaSingle media caption",
        node(
            "mediaSingle",
            node("media", type="file", id="u-1", collection="c", alt="plan.png"),
            node("caption", text("The plan")),
        ),
        "[attachment: plan.png]\nThe plan",
    ),
    (
        "mediaGroup",
        node(
            "mediaGroup",
            node("media", type="file", id="u-1", collection="c"),
            node("media", type="external", url="https://x.test/a.png", alt="A"),
        ),
        "[attachment: u-1]\n[attachment: A (https://x.test/a.png)]",
    ),
    ("mediaInline", para("see ", node("mediaInline", id="u", collection="c", alt="a.pdf")), "see [attachment: a.pdf]"),
    ("layoutSection layoutColumn", node("layoutSection", *(node("layoutColumn", para(c)) for c in "ab")), "a\nb"),
    (
        "extension",
        node("extension", extensionKey="toc", extensionType="t", text="Contents"),
        "[extension toc: Contents]",
    ),
    ("inlineExtension", para(node("inlineExtension", extensionKey="k", extensionType="t")), "[extension k]"),
    (
        "bodiedExtension",
        node("bodiedExtension", para("inside"), extensionKey="box", extensionType="t"),
        "[extension box]\n  inside",
    ),
    ("syncBlock", node("syncBlock", resourceId="r-1", localId="l"), "[synced block: r-1]"),
    ("bodiedSyncBlock", node("bodiedSyncBlock", para("same"), resourceId="r", localId="l"), "same"),
    ("text", para("plain"), "plain"),
]

MARKED: list[tuple[str, list[Json], str]] = [
    ("link", [text("here", mark("link", href="https://x.test"))], "here (https://x.test)"),
    (
        "link",
        [text("all ", mark("link", href="u")), text("of it", mark("strong"), mark("link", href="u")), text("!")],
        "all of it (u)!",
    ),
    ("link", [text("https://x.test", mark("link", href="https://x.test"))], "https://x.test"),
    ("link", [text("a", mark("link", href="u", title="Why"))], "a (u “Why”)"),
    ("strike", [text("no", mark("strike"))], "~~no~~"),
    ("code", [text("x = 1", mark("code"))], "`x = 1`"),
    ("subsup", [text("10"), text("2", mark("subsup", type="sup"))], "10^2"),
    ("subsup", [text("H"), text("2", mark("subsup", type="sub")), text("O")], "H_2O"),
]


@pytest.mark.parametrize(("kinds", "given_node", "shown"), READINGS)
def test_a_node_reads_as_a_person_would_read_it(kinds: str, given_node: Json, shown: str) -> None:
    assert plain(given_node) == shown
    assert set(kinds.split()) <= set(SCHEMA_NODES)


@pytest.mark.parametrize(("kind", "content", "shown"), MARKED)
def test_a_mark_that_changes_the_meaning_is_written(kind: str, content: list[Json], shown: str) -> None:
    assert plain(doc(para(*content))) == shown
    assert kind in SCHEMA_MARKS


def test_every_node_and_mark_of_the_schema_has_a_reading_and_an_example() -> None:
    assert not set(SCHEMA_NODES) - NODES, SCHEMA_VERSION
    assert not set(SCHEMA_MARKS) - MARKS, SCHEMA_VERSION
    assert not set(SCHEMA_NODES) - {"doc"} - {kind for kinds, _, _ in READINGS for kind in kinds.split()}


@pytest.mark.parametrize("kind", SCHEMA_MARKS)
def test_no_mark_takes_text_away(kind: str) -> None:
    assert "words" in plain(para(text("words", mark(kind)), text(" and others")))
    assert plain({**para("words"), "marks": [mark(kind)]}) == "words"


@pytest.mark.parametrize("kind", [kind for kind in SCHEMA_NODES if "content" in node(kind)])
def test_no_node_takes_text_away_that_stands_in_it_or_beside_it(kind: str) -> None:
    shown = plain(doc(para("before"), node(kind, para("within")), para("after")))
    without_content = {"date", "mention", "emoji", "status", "placeholder", "rule", "hardBreak", "text", "media"}
    leaves = {*without_content, "inlineCard", "blockCard", "embedCard", "mediaInline", "extension", "inlineExtension"}
    assert "before" in shown
    assert "after" in shown
    assert "within" in shown or kind in {*leaves, "syncBlock"}


def test_an_unknown_node_or_mark_is_named_and_its_text_kept() -> None:
    unknown = node("poll", para("Tea?"), node("choice", text("Yes")), title="Drinks")
    assert plain(doc(para("a"), unknown, para("b"))) == "a\n[poll: Drinks]\nTea?\n[choice]\nYes\nb"
    assert plain(para("a ", node("gadget", text("inner")), " b")) == "a [gadget] inner b"
    assert plain(para("a ", {"type": "gadget", "text": "own"})) == "a [gadget] own"
    assert plain(para(text("glows", mark("neon")))) == "glows [neon]"
    assert plain({**para("glows"), "marks": [mark("neon")]}) == "glows\n[neon]"


def test_adjacent_blocks_never_run_together() -> None:
    shown = plain(doc(*(given_node for _, given_node, _ in READINGS)))
    for _, given_node, alone in READINGS:
        assert f"\n{plain(given_node)}\n" in f"\n{shown}\n", alone


def test_text_below_the_deepest_level_is_kept_and_nothing_recurses_without_bound() -> None:
    deep: Json = para("at the bottom, due ", node("date", timestamp="1764028800000"))
    for number in range(100_000):
        deep = {"type": ("blockquote", "bulletList", "listItem", "novel", "expand")[number % 5], "content": [deep]}
    shown = plain(doc(para("top"), deep))
    assert shown.startswith("top\n")
    assert shown.endswith("at the bottom, due 2025-11-25")


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(SCHEMA_NODES),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.fixed_dictionaries(
            {},
            optional={
                "type": st.sampled_from([*SCHEMA_NODES, "novel"]) | inner,
                "content": st.lists(inner, max_size=4) | inner,
                "attrs": st.dictionaries(
                    st.sampled_from(["text", "url", "order", "state", "timestamp", "title", "data", "alt"]), inner
                ),
                "marks": st.lists(st.fixed_dictionaries({"type": st.sampled_from(SCHEMA_MARKS) | inner})) | inner,
                "text": inner,
            },
        )
    ),
    max_leaves=30,
)


@settings(max_examples=500)
@given(JUNK)
def test_a_broken_document_never_fails(junk: Any) -> None:
    assert isinstance(plain(junk), str)
    assert plain(doc(junk, para("kept"))).endswith("kept")


@given(st.lists(st.text(st.characters(codec="ascii", exclude_characters="\n\r"), min_size=1), max_size=5))
def test_text_survives_the_way_through_a_document(lines: list[str]) -> None:
    written = "\n".join(line for line in lines if line.strip())
    assert plain(document(written)) == written.strip()


@given(st.text())
def test_what_is_written_is_a_valid_document_with_all_of_the_text(given_text: str) -> None:
    made = document(given_text)
    kinds = [piece["type"] for block in made["content"] for piece in block["content"]]
    assert set(kinds) <= {"text", "hardBreak"}
    assert all(piece["text"] for block in made["content"] for piece in block["content"] if piece["type"] == "text")
    assert "".join(plain(made).split()) == "".join(given_text.split())
    assert json.loads(json.dumps(made)) == made
