"""On any day the same Keycloak is fetched: a repository with a newer release brings the pinned version."""

from __future__ import annotations

import functools
import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jgo.maven
import pytest

from stack import distribution

ARCHIVE = b"stands for Keycloak's archive"
METADATA = """<metadata><groupId>org.keycloak</groupId><artifactId>keycloak-quarkus-dist</artifactId><versioning>
<latest>{0}</latest><release>{0}</release><versions><version>{1}</version><version>{0}</version></versions>
<lastUpdated>20991231000000</lastUpdated></versioning></metadata>"""


def test_keycloak_comes_in_the_pinned_version_whatever_was_released_since(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    class Repository(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.do_GET()

        def do_GET(self) -> None:
            asked.append(self.path)
            body = None
            if self.path.endswith("maven-metadata.xml"):
                body = METADATA.format("9999.0.0", distribution.VERSION).encode()
            elif self.path.endswith(".zip"):
                body = ARCHIVE if distribution.VERSION in self.path else b"a newer release"
            self.send_response(404 if body is None else 200)
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body or b"")

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Repository) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        there = {"central": f"http://127.0.0.1:{server.server_port}"}
        local = functools.partial(jgo.maven.MavenContext, remote_repos=there, repo_cache=tmp_path, local_repos=[])
        monkeypatch.setattr(jgo.maven, "MavenContext", local)
        monkeypatch.setattr(distribution, "SHA256", hashlib.sha256(ARCHIVE).hexdigest())
        try:
            archive = distribution.fetch(lambda _said: None)
        finally:
            server.shutdown()
            thread.join()
    assert archive.read_bytes() == ARCHIVE
    assert archive.name == f"keycloak-quarkus-dist-{distribution.VERSION}.zip"
    assert not [path for path in asked if "9999" in path]
