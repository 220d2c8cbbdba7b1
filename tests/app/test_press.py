"""Which buttons are drawn how: one whose press leads to an action goes through ``app.view.press``."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from stack.layout import ROOT

DRAWS = {"button", "form_submit_button"}


def test_every_button_that_leads_to_an_action_notes_its_press() -> None:
    """``st.button`` itself only where a callback acts at once, or where looking again is all that it does."""
    plain = [where for where, call in calls() if not any(word.arg == "on_click" for word in call.keywords)]
    assert plain == ["app/pages/home.py: health.again"]


def calls() -> Iterator[tuple[str, ast.Call]]:
    """Every call of Streamlit's own buttons in the app's pages, and its key."""
    for path in sorted((ROOT / "app").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if (
                not isinstance(node, ast.Call)
                or not isinstance(node.func, ast.Attribute)
                or node.func.attr not in DRAWS
            ):
                continue
            if isinstance(node.func.value, ast.Name) and node.func.value.id == "press":
                continue
            key = next((word.value for word in node.keywords if word.arg == "key"), None)
            yield f"{path.relative_to(ROOT)}: {key.value if isinstance(key, ast.Constant) else '?'}", node
