"""What is known without asking: freshness, and what counts as news."""

from __future__ import annotations

from fastmcp_vault.state.known import Known


def test_nothing_is_fresh_before_the_database_has_answered() -> None:
    known = Known()
    assert not known.fresh(0.0)
    known.heard(100.0)
    assert known.fresh(105.0)
    assert not known.fresh(105.1)


def test_an_older_sign_of_life_never_takes_back_a_newer_one() -> None:
    known = Known()
    known.heard(100.0)
    known.heard(90.0)
    assert known.fresh(104.0)


def test_an_ended_session_is_news_once() -> None:
    known = Known()
    assert known.end({"s1": 10.0, "s2": 20.0}) == ["s1", "s2"]
    assert known.end({"s2": 20.0}) == []
    assert known.ended("s1")
    assert not known.ended("s3")


def test_a_sign_in_after_the_end_goes_on_until_the_next_end() -> None:
    known = Known()
    known.end({"s1": 10.0})
    assert known.ended("s1", 10.0)
    assert not known.ended("s1", 11.0)
    assert known.end({"s1": 9.0}) == []
    assert known.end({"s1": 12.0}) == ["s1"]
    assert known.ended("s1", 11.0)


def test_a_reading_tells_what_was_missed_and_forgets_what_has_expired() -> None:
    known = Known()
    assert known.replace(ended={"old": 1.0}, suspensions={"mcp-jira": "x"}) == ([], [])
    assert known.replace(ended={"old": 1.0, "new": 2.0}, suspensions={"mcp-jira": "x", "mcp-github": ""}) == (
        ["new"],
        ["mcp-github"],
    )
    assert known.replace(ended={"new": 2.0}, suspensions={}) == ([], [])
    assert not known.ended("old")
    assert known.suspended("mcp-jira") is None
