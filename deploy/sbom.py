"""``.venv/bin/python deploy/sbom.py server|app``: the Python packages of an image, as a CycloneDX 1.6 document (JSON).

From the lock that the image is built from, with every file's SHA-256. `cyclonedx-python-lib` comes with pip-audit.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL
from packaging.requirements import Requirement
from select_packages import entries, without

ROOT = Path(__file__).resolve().parent.parent
DOCKERFILE = (ROOT / "Dockerfile").read_text()
ONLY_IN_THE_APP = {"server": ("streamlit",), "app": ()}


def document(target: str) -> str:
    """The document of one of the Dockerfile's last two stages."""
    lock = without(
        (ROOT / "requirements.txt").read_text(), [*_said("ARG ELSEWHERE=").split(), *ONLY_IN_THE_APP[target]]
    )
    bom = Bom(components=[one for entry in entries(lock).values() for one in _components(entry)])
    bom.metadata.component = Component(name=f"mcp-remote-vault-{target}", type=ComponentType.CONTAINER)
    bom.register_dependency(bom.metadata.component, bom.components)
    return JsonV1Dot6(bom).output_as_string(indent=2)


def _components(entry: str) -> Iterator[Component]:
    """A package in the version that the image's Python gets; none where it is for other systems."""
    python = _said("FROM python:").partition("-")[0]
    image = {"python_version": python, "python_full_version": f"{python}.0"}
    image |= {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix"}
    for block in re.findall(r"^\S.*(?:\n[ ]+.*)*", entry, re.MULTILINE):
        asked = Requirement(block.partition("\n")[0].rstrip(" \\"))
        if asked.marker is None or asked.marker.evaluate(image):
            version = str(asked.specifier).removeprefix("==")
            hashes = re.findall(r"--hash=sha256:([0-9a-f]{64})", block)
            yield Component(
                name=asked.name,
                version=version,
                purl=PackageURL("pypi", name=asked.name, version=version),
                hashes=[HashType(alg=HashAlgorithm.SHA_256, content=each) for each in hashes],
            )


def _said(begins: str) -> str:
    """What follows on the first line of the Dockerfile that begins so."""
    line = next(line for line in DOCKERFILE.splitlines() if line.startswith(begins))
    return line.removeprefix(begins).strip('"')


if __name__ == "__main__":
    if sys.argv[1:] not in (["server"], ["app"]):
        sys.exit("Name the image: server or app.")
    print(document(sys.argv[1]))
