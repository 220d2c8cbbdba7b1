"""On any day the same files come from Maven: a repository with a newer release brings the pinned version."""

from __future__ import annotations

import functools
import hashlib
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jgo.maven
import pytest

from stack import distribution, maven, zipkin
from stack.maven import MavenFile

CONTENT = b"stands for what was pinned"
METADATA = """<metadata><groupId>{group}</groupId><artifactId>{artifact}</artifactId><versioning>
<latest>{new}</latest><release>{new}</release><versions><version>{old}</version><version>{new}</version></versions>
<lastUpdated>20991231000000</lastUpdated></versioning></metadata>"""


@pytest.mark.parametrize("file", [distribution.ARCHIVE, zipkin.ARCHIVE], ids=lambda file: file.title)
def test_a_file_comes_in_the_pinned_version_whatever_was_released_since(
    file: MavenFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    class Repository(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.do_GET()

        def do_GET(self) -> None:
            asked.append(self.path)
            body = None
            if self.path.endswith("maven-metadata.xml"):
                about = {"group": file.group, "artifact": file.artifact}
                body = METADATA.format(new="9999.0.0", old=file.version, **about).encode()
            elif self.path.endswith(f".{file.packaging}"):
                body = CONTENT if file.version in self.path else b"a newer release"
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
        expected = replace(file, sha256=hashlib.sha256(CONTENT).hexdigest())
        try:
            archive = maven.fetch(expected, lambda _said: None)
        finally:
            server.shutdown()
            thread.join()
    assert archive.read_bytes() == CONTENT
    assert archive.name.startswith(f"{file.artifact}-{file.version}")
    assert not [path for path in asked if "9999" in path]
