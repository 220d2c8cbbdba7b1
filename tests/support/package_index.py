"""A package index on loopback for tests: stand-in wheels for the packages of a lock, and a newer release of each."""

from __future__ import annotations

import hashlib
import importlib.metadata
import io
import re
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from packaging.markers import Marker
from packaging.utils import canonicalize_name

FUTURE = "9999"
"""The version of the newer release of every package."""


@dataclass(frozen=True)
class Pin:
    """One package of a lock file: ``fastmcp-slim[client]==4.2.3 ; python_version < '4'`` without its hashes."""

    name: str
    version: str
    marker: str

    @property
    def here(self) -> bool:
        """Whether it is for this machine."""
        return not self.marker or Marker(self.marker).evaluate()


def pins(lock: str) -> list[Pin]:
    """The packages of a lock file's text."""
    line = re.compile(
        r"^([a-z0-9.-]+)(?:\[[^\]]*\])?==([^\s;\\]+)(?: *; *([^\\\n]+?))?(?: *\\| +--hash=[^\n]*)?$", re.MULTILINE
    )
    return [Pin(name, version, marker or "") for name, version, marker in line.findall(lock)]


def wheel(
    name: str, version: str, metadata: str = "", *, tag: str = "py3-none-any", size: int = 0
) -> tuple[str, bytes]:
    """A wheel without code: its file's name and content. ``metadata`` are further lines, ``size`` bytes of filling."""
    stem = f"{name.replace('-', '_').replace('.', '_')}-{version}"
    parts = {
        f"{stem}.dist-info/METADATA": f"Metadata-Version: 2.4\nName: {name}\nVersion: {version}\n{metadata}",
        f"{stem}.dist-info/WHEEL": f"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: {tag}\n",
    }
    record = f"{stem}.dist-info/RECORD"
    parts[record] = "".join(f"{part},,\n" for part in [*parts, record])
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        for part, text in parts.items():
            file.writestr(zipfile.ZipInfo(part), text)  # always the same bytes, so always the same hash
    return f"{stem}-{tag}.whl", content.getvalue()


def installed_metadata(name: str) -> str:
    """What an installed package requires, and its extras, as lines of metadata; empty when it is not installed."""
    try:
        found = importlib.metadata.metadata(name)
    except importlib.metadata.PackageNotFoundError:
        return ""
    kept = ("Requires-Dist", "Provides-Extra")
    return "".join(f"{field}: {value}\n" for field, value in found.items() if field in kept)


@dataclass
class Index:
    """What the index offers, and how it answers: ``status`` other than 200 is the answer to every page or file."""

    files: dict[str, bytes] = field(default_factory=dict)
    page_status: int = 200
    file_status: int = 200
    address: str = ""

    def add(self, made: tuple[str, bytes]) -> str:
        """Offer a file; its hash, as a lock file writes it."""
        self.files[made[0]] = made[1]
        return f"--hash=sha256:{hashlib.sha256(made[1]).hexdigest()}"

    def page(self, project: str) -> str:
        """The simple page of a project (PEP 503)."""
        mine = [name for name in self.files if canonicalize_name(name.split("-")[0]) == canonicalize_name(project)]
        return "".join(
            f'<a href="/files/{name}#sha256={hashlib.sha256(self.files[name]).hexdigest()}">{name}</a>' for name in mine
        )

    def stand_for(self, lock: str) -> str:
        """Offer a stand-in for each package of a lock, and a newer release; the lock with the stand-ins' hashes.

        The stand-ins require what the installed packages require, through the same extras.
        """
        lines = []
        for pin in pins(lock):
            if pin.name == "pip":  # it installs, and a stand-in could not
                continue
            metadata = installed_metadata(pin.name)
            self.add(wheel(pin.name, FUTURE, metadata))
            pinned = self.add(wheel(pin.name, pin.version, metadata))
            lines.append(f"{pin.name}=={pin.version} {'; ' + pin.marker if pin.marker else ''} {pinned}\n")
        return "".join(lines)


@contextmanager
def served(index: Index) -> Iterator[Index]:
    """The index on a free port; ``address`` is what PIP_INDEX_URL gets."""

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            _, folder, name, *_ = f"{self.path}//".split("/")
            if folder == "simple":
                page = index.page(name)
                self._answer(index.page_status if page else 404, page.encode(), "text/html")
            else:
                self._answer(
                    index.file_status if name in index.files else 404, index.files.get(name, b""), "application/zip"
                )

        def _answer(self, status: int, body: bytes, kind: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        index.address = f"http://127.0.0.1:{server.server_port}/simple"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield index
        finally:
            server.shutdown()
            thread.join()
