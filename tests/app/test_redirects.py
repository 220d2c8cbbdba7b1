"""A sign-in leads to a page of this app and nowhere else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.redirects import safe_next


@pytest.mark.parametrize("wanted", ["/", "/mcp-tools", "/mcp-tools?step=vault-login", "/a/b_c~d.e?x=1&y=2"])
def test_a_path_of_this_app_is_kept(wanted: str) -> None:
    assert safe_next(wanted) == wanted


@pytest.mark.parametrize(
    "wanted",
    [
        None,
        "",
        "mcp-tools",
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "https://evil.example",
        "https:evil.example",
        "javascript:alert(1)",
        "/%2f%2fevil.example",
        "/%5cevil.example",
        "/%252f%252fevil.example",
        "/?to=%2f%2fevil.example",
        "/?to=%252f%252fevil.example",
        "/a//evil.example",
        "/..//evil.example",
        "/../x",
        "/a/../../x",
        "/@evil.example",
        "/a b",
        "/a\r\nSet-Cookie: x=y",
        "/а",
        "/auth/login",
        "/auth/logout",
        "/" + "a" * 600,
    ],
)
def test_anything_else_leads_home(wanted: str | None) -> None:
    assert safe_next(wanted) == "/"


@given(st.text(max_size=80))
def test_whatever_is_asked_for_the_answer_is_a_single_slash_path(wanted: str) -> None:
    answer = safe_next(wanted)
    assert answer.startswith("/")
    assert not answer.startswith(("//", "/\\"))
    assert answer.isascii()
    assert answer.isprintable()
