"""Backoff and settings: small things that much depends on."""

from __future__ import annotations

import ast
import inspect
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.settings import CommonSettings, load
from fastmcp_vault.backoff import LONGEST, Backoff
from fastmcp_vault.errors import ConfigError
from tests.support.tracked import tracked

ROOT = Path(__file__).resolve().parents[2]


@given(st.integers(1, 40), st.integers())
def test_backoff_doubles_up_to_its_longest_within_its_jitter(failures: int, seed: int) -> None:
    backoff = Backoff(first=0.1, longest=5.0, jitter=0.25, rng=random.Random(seed))
    for n in range(failures):
        expected = min(0.1 * 2**n, 5.0)
        assert 0.75 * expected <= backoff.failed() <= 1.25 * expected + 1e-9
    backoff.succeeded()
    assert backoff.failed() <= 0.125


@pytest.mark.parametrize("wrong", [{"first": 0.0}, {"first": 6.0}, {"jitter": 1.0}, {"jitter": -0.1}])
def test_a_backoff_that_makes_no_sense_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="Backoff needs"):
        Backoff(**wrong)  # type: ignore[arg-type]


def test_nothing_pauses_longer_than_seconds_between_two_attempts() -> None:
    asked: list[float] = []
    for path in tracked("*.py"):
        if path.relative_to(ROOT).parts[0] == "tests":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("Backoff"):
                asked += [ast.literal_eval(word.value) for word in node.keywords if word.arg == "longest"]
    assert asked, "some ask for less"
    assert max(asked) <= LONGEST
    assert inspect.signature(Backoff).parameters["longest"].default == LONGEST == 5.0


OWN_STATE = "postgresql://own:0123456789abcdef@db/mcp_state?sslmode=verify-full"


def test_production_refuses_a_plain_http_issuer_even_when_every_secret_is_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in {"PROFILE": "production", "STATE_DSN": OWN_STATE}.items():
        monkeypatch.setenv(name, value)
    for url in ("http://id.example.com", "http://localhost:8080", "ftp://id.example.com", "id.example.com"):
        monkeypatch.setenv("KEYCLOAK_PUBLIC_URL", url)
        with pytest.raises(ConfigError) as refused:
            load(CommonSettings)
        assert "KEYCLOAK_PUBLIC_URL is not https" in refused.value.what
        assert "demo's values" not in refused.value.what
    monkeypatch.setenv("KEYCLOAK_PUBLIC_URL", "https://id.example.com")
    assert load(CommonSettings).issuer == "https://id.example.com/realms/mcp-demo"
