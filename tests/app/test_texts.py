"""What the interface says: every key is there and used, claims are explained, what others wrote is not interpreted."""

from __future__ import annotations

import asyncio
import re
import time
from pathlib import Path
from string import Formatter

import pytest

from app.claims import clock, explained, left
from app.texts import DEFAULT, LANGUAGES, catalogue, has, language, speaking, t, wanted
from app.view.plain import mono, plain, prose
from app.zone import named
from tests.support.tracked import tracked

APP = Path(__file__).resolve().parents[2] / "app"


def used_keys() -> set[str]:
    code = "\n".join(path.read_text() for path in APP.rglob("*.py") if "texts" not in path.parts)
    return set(re.findall(r"""\bt\(\s*["']([a-z][\w.-]*)["']""", code))


def test_every_text_that_is_used_exists() -> None:
    assert used_keys()
    assert not {key for key in used_keys() if not has(key)}


def test_no_text_is_left_over() -> None:
    code = "\n".join(path.read_text() for path in APP.rglob("*.py") if "texts" not in path.parts)
    built = re.findall(r"""f["']([a-z-]+\.?[^"'\s]*\{[^"'\s]*)["']""", code)
    patterns = [re.sub(r"\\{[^}]*\\}", ".*", re.escape(prefix)) for prefix in built]
    assert patterns
    assert not {
        key
        for key in catalogue(DEFAULT)
        if not re.search(rf"""["']{re.escape(key)}["']""", code)
        and not any(re.fullmatch(known, key) for known in patterns)
    }


@pytest.mark.parametrize("code", [code for code in LANGUAGES if code != DEFAULT])
def test_every_language_says_everything_with_the_same_placeholders(code: str) -> None:
    ours, theirs = catalogue(DEFAULT), catalogue(code)
    assert not ours.keys() ^ theirs.keys()
    assert not {key for key in ours if placeholders(ours[key]) != placeholders(theirs[key])}
    assert not {key for key in ours if ours[key].count("`") != theirs[key].count("`")}


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


@pytest.mark.parametrize(
    ("asked", "remembered", "accepted", "spoken"),
    [
        ("ko", "en", "en-US", "ko"),
        (None, "ko", "en-US", "ko"),
        (None, None, "ko-KR", "ko"),
        (None, None, "fr-FR,ko;q=0.8,en;q=0.5", "ko"),
        ("../../etc", "'; drop", "", "en"),
        (None, None, None, "en"),
    ],
)
def test_the_language_asked_for_goes_before_the_remembered_and_that_before_the_browsers(
    asked: str | None, remembered: str | None, accepted: str | None, spoken: str
) -> None:
    assert wanted(asked=asked, remembered=remembered, accepted=accepted) == spoken


async def test_what_runs_beside_a_page_speaks_the_pages_language() -> None:
    with speaking("ko"):
        assert await asyncio.create_task(spoken_word()) == "로그인"
    assert language() == DEFAULT


async def spoken_word() -> str:
    return t("account.sign-in")


def test_claims_that_decide_something_come_first_and_are_explained() -> None:
    rows = explained({"jti": "x", "aud": ["mcp-jira"], "sub": "1", "exp": 0, "made_up": True})
    assert [name for name, _, _ in rows] == ["sub", "aud", "exp", "jti", "made_up"]
    assert [name for name, _, meaning in rows if not meaning] == ["made_up"]


@pytest.mark.parametrize(
    ("until", "shown"), [(100.0, "1:40"), (3852.0, "1:04:12"), (3.2, "0:03"), (0.0, "0:00"), (-50.0, "0:00")]
)
def test_time_left_never_goes_below_zero(until: float, shown: str) -> None:
    assert left(until, 0.0) == shown


@pytest.mark.parametrize("hostile", ["![x](/a.png)", "[a](b)", "<b>", ":red[x]", "$x$", "# a", "a|b"])
def test_what_others_wrote_is_shown_and_not_interpreted(hostile: str) -> None:
    shown = plain(hostile)
    outside = re.sub(r"`[^`]*`", "", shown)
    assert not re.search(r"(?<!\\)[\[\]!<>$|#:]", outside)
    assert shown.replace("\\", "").strip("`") == hostile


def test_an_address_that_others_wrote_is_monospace_which_is_never_a_link_or_a_picture() -> None:
    assert plain("see ![x](http://evil.example/a`.png)") == "see `![x](http://evil.example/aˋ.png)`"


@pytest.mark.parametrize("word", ["www.evil.example", "WWW.evil.example/x", "a@evil.example", "https://evil.example"])
def test_what_would_link_itself_is_monospace(word: str) -> None:
    assert plain(f"see {word} *now*") == f"see `{word}` \\*now\\*"
    assert prose(f"see {word} *now*") == f"see `{word}` \\*now\\*"


def test_code_in_a_sentence_is_monospace_and_the_rest_is_plain() -> None:
    assert prose("Run `./demo init` [now].") == "Run `./demo init` \\[now\\]."
    assert prose("one ` tick") == "one \\` tick"
    assert "`" not in mono("a`b").strip("`")


@pytest.mark.parametrize(
    ("zone", "shown"),
    [
        ("Asia/Seoul", "2025-11-25 09:00:00 KST"),
        ("UTC", "2025-11-25 00:00:00 UTC"),
        (None, "2025-11-25 00:00:00 UTC"),
        ("America/Sao_Paulo", "2025-11-24 21:00:00 UTC-03"),
        ("../../etc/passwd", "2025-11-25 00:00:00 UTC"),
        ("America", "2025-11-25 00:00:00 UTC"),
    ],
)
def test_a_moment_has_the_readers_zone_and_the_date_unless_it_is_today(
    monkeypatch: pytest.MonkeyPatch, zone: str | None, shown: str
) -> None:
    monkeypatch.setattr("app.claims.zone", lambda: named(zone))
    assert clock(1764028800.0) == shown
    assert re.fullmatch(r"\d\d:\d\d:\d\d \S+", clock(time.time()))
    assert clock(1e30) == "1e+30"


ROOT = APP.parent


def test_nothing_prints_a_time_without_its_zone() -> None:
    """Pages have one clock; other programs name the zone."""
    for path in tracked("*.py"):
        if path.relative_to(ROOT).parts[0] == "tests":
            continue
        code = path.read_text()
        for form in re.findall(r"""strftime\(\s*["']([^"']*%[HM][^"']*)["']""", code):
            assert re.search("%Z|%z|UTC|Z$", form) or "mock_services/jira" in str(path), f"{path}: {form}"
