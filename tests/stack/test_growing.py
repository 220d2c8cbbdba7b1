"""Logs do not fill the disk: past a size they are put aside, and the servers write on."""

from __future__ import annotations

import http.client
import os
import time
from pathlib import Path

from stack.growing import LIMIT_BYTES, older
from stack.processes import last_lines, wait_until

from .conftest import Demo


def asked(demo: Demo, path: str) -> None:
    connection = http.client.HTTPConnection("localhost", demo.status().ports["openbao"], timeout=10)
    connection.request("GET", f"/v1/{path}", headers={"X-Vault-Token": "nobody's"})
    assert connection.getresponse().status == 403
    connection.close()


def holds(file: Path, words: str) -> bool:
    return any(
        file.exists() and words in file.read_bytes()[-100_000:].decode() for _ in wait_until(time.monotonic() + 5)
    )


def begun_anew(log: Path) -> bool:
    """Whether the writer has opened it again: between the renaming and that, it is not there."""
    try:
        return log.stat().st_size < LIMIT_BYTES
    except FileNotFoundError:
        return False


def test_the_audit_log_and_the_services_logs_are_put_aside_and_written_on(demo: Demo) -> None:
    demo.up("openbao")
    audit, log = demo.layout.data / "openbao" / "audit.log", demo.layout.logs / "openbao.log"
    asked(demo, "secret/data/before")
    for file in (audit, log):
        os.truncate(file, LIMIT_BYTES + 1)
    for file in (audit, log):
        assert any(older(file).exists() and begun_anew(file) for _ in wait_until(time.monotonic() + 30))
    asked(demo, "secret/data/after")
    assert holds(audit, "secret/data/after")
    with older(audit).open() as file:
        assert "secret/data/before" in file.read(100_000)
    assert demo.status().services[0].restarts == 0


def test_the_last_words_in_a_log_that_was_begun_anew_are_found(tmp_path: Path) -> None:
    log = tmp_path / "service.log"
    log.write_text("the last words\n")
    assert last_lines(log, since=LIMIT_BYTES) == ["the last words"]
