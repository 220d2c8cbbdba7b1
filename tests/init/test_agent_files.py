"""An agent's files are written over on purpose only: whoever uses the earlier key would lose it without a word."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from fastmcp_vault.errors import InputError, VaultUnavailable
from fastmcp_vault.vault.admin import VaultAdmin
from init.agent import _new, _parser
from stack.ports import free_ports


def test_a_name_that_has_files_is_refused_before_vault_is_asked_unless_they_are_to_be_replaced(tmp_path: Path) -> None:
    (tmp_path / "agent.pem").write_text("an earlier certificate")
    away = VaultAdmin(f"http://127.0.0.1:{free_ports(['vault'])['vault']}", SecretStr("no-token"))
    words = ["new", "build-7", "--scope", "agent:commands", "--out", str(tmp_path)]
    try:
        with pytest.raises(InputError, match="nothing was changed") as refused:
            _new(away, _parser().parse_args(words))
        with pytest.raises(VaultUnavailable):
            _new(away, _parser().parse_args([*words, "--replace"]))
    finally:
        away.close()
    assert refused.value.fix is not None
    assert "--replace" in refused.value.fix
    assert (tmp_path / "agent.pem").read_text() == "an earlier certificate"
