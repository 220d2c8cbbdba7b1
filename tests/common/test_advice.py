"""The library advises in words that fit any installation; this demo's processes say which of its commands helps."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

from common.advice import ADVICE
from tests.common.test_speech import fields
from tests.support.tracked import tracked

ROOT = Path(__file__).resolve().parents[2]
LIBRARY = ROOT / "src" / "fastmcp_vault"
OF_THE_DEMO = ("./demo", "users.yaml", "streamlit")


def texts_of_the_library() -> dict[str, str]:
    return {
        node.value: path.relative_to(ROOT).as_posix()
        for path in tracked("src/fastmcp_vault/**/*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def test_the_library_names_nothing_of_the_demo() -> None:
    texts = texts_of_the_library()
    assert len(texts) > 1000
    assert not {text: at for text, at in texts.items() if any(word in text.lower() for word in OF_THE_DEMO)}


def test_the_demo_s_advice_stands_for_something_that_the_library_says() -> None:
    said = texts_of_the_library()
    assert not [advice for advice in ADVICE if advice not in said]
    assert not [advice for advice, own in ADVICE.items() if not any(word in own for word in OF_THE_DEMO)]


@pytest.mark.parametrize("began", [True, False])
def test_a_process_of_the_demo_says_it_and_a_stranger_s_does_not(began: bool) -> None:
    program = "\n".join(
        (
            "import json",
            "from common.command import run",
            "from fastmcp_vault.state.failures import unavailable",
            "def main():",
            "    print(json.dumps(unavailable('reading').as_dict()))",
            "run(main)" if began else "main()",
        )
    )
    ran = subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT, capture_output=True, timeout=60)
    neutral = "Check that PostgreSQL is up; then try again."
    assert json.loads(ran.stdout)["fix"] == (ADVICE[neutral] if began else neutral)


def test_values_that_the_demo_s_words_use_are_given_by_the_library() -> None:
    extra = {advice: fields(own) - fields(advice) for advice, own in ADVICE.items() if fields(own) - fields(advice)}
    sources = (LIBRARY / "credentials" / "sources.py").read_text()
    assert set(extra) == {"An administrator writes it to Vault at {secret}, with the fields {fields}."}
    for name, _ in set().union(*extra.values()):
        assert f"{name}={name}," in sources or f"{name}=self._{name}," in sources
