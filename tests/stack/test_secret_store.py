"""An instance has one set of secrets, however many of its services start at the same time."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from stack import secret_store
from stack.layout import Layout


def test_services_that_start_together_are_given_the_same_secrets(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "state", tmp_path / "runtime")
    layout.make()
    with ThreadPoolExecutor(16) as pool:
        given = list(pool.map(lambda _: secret_store.load(layout), range(64)))
    assert all(secrets == given[0] for secrets in given)
    assert stat.S_IMODE(layout.secrets.stat().st_mode) == 0o600


def test_what_a_server_made_joins_the_rest_and_nothing_is_lost(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "state", tmp_path / "runtime")
    layout.make()
    before = secret_store.load(layout)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: secret_store.keep(layout, **{f"MADE_{n}": str(n)}), range(16)))
    after = secret_store.load(layout)
    assert before.items() <= after.items()
    assert {f"MADE_{n}" for n in range(16)} <= after.keys()
