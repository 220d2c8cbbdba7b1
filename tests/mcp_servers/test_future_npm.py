"""On any day the same npm packages are installed: a registry with newer releases brings the locked versions."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import tarfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from tests.support.peers import LOCKS, Peers, npm_ci

FUTURE = "9999.0.0"
REQUIRES = ("dependencies", "peerDependencies", "peerDependenciesMeta", "bin", "engines")


def tarball(name: str, version: str, package: dict[str, Any]) -> bytes:
    """A package without code that requires what the locked one requires."""
    manifest = {key: package[key] for key in REQUIRES if key in package} | {"name": name, "version": version}
    content, archive = json.dumps(manifest).encode(), io.BytesIO()
    # Without a time in it: made again for another place in the tree, the same package has the same bytes.
    with (
        gzip.GzipFile(fileobj=archive, mode="wb", mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w") as file,
    ):
        info = tarfile.TarInfo("package/package.json")
        info.size = len(content)
        file.addfile(info, io.BytesIO(content))
    return archive.getvalue()


def integrity(content: bytes) -> str:
    return "sha512-" + base64.b64encode(hashlib.sha512(content).digest()).decode()


def test_npm_installs_the_locked_versions_whatever_was_released_since(
    peers: Peers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = json.loads((LOCKS / "package-lock.json").read_text())
    offered: dict[str, dict[str, bytes]] = {}
    manifests: dict[str, dict[str, Any]] = {}
    for place, package in lock["packages"].items():
        if place:
            name = place.rpartition("node_modules/")[2]
            for version in (package["version"], FUTURE):
                manifests[f"{name}@{version}"] = package
                offered.setdefault(name, {})[version] = tarball(name, version, package)
            package["integrity"] = integrity(offered[name][package["version"]])

    class Registry(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name, _, file = unquote(self.path.strip("/")).partition("/-/")
            versions = offered.get(name, {})
            body = versions[file] if file in versions else json.dumps(self.about(name, versions)).encode()
            self.send_response(200 if versions else 404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def about(self, name: str, versions: dict[str, bytes]) -> dict[str, Any]:
            here = f"http://{self.headers['Host']}/{name}/-"
            said = {
                version: {key: value for key, value in manifests[f"{name}@{version}"].items() if key in REQUIRES}
                | {"name": name, "version": version}
                | {"dist": {"tarball": f"{here}/{version}", "integrity": integrity(content)}}
                for version, content in versions.items()
            }
            return {"name": name, "dist-tags": {"latest": FUTURE}, "versions": said}

        def log_message(self, *_: Any) -> None:
            pass

    (tmp_path / "package.json").write_text((LOCKS / "package.json").read_text())
    (tmp_path / "package-lock.json").write_text(json.dumps(lock))
    with ThreadingHTTPServer(("127.0.0.1", 0), Registry) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        monkeypatch.setenv("npm_config_registry", f"http://127.0.0.1:{server.server_port}/")
        monkeypatch.setenv("npm_config_cache", str(tmp_path / "cache"))
        try:
            npm_ci(tmp_path, Path(peers.node).parent.parent)
        finally:
            server.shutdown()
            thread.join()
    found = {
        str(file.parent.relative_to(tmp_path)): json.loads(file.read_text())["version"]
        for file in tmp_path.glob("node_modules/**/package.json")
    }
    wanted = {place: package["version"] for place, package in lock["packages"].items() if place}
    assert len(found) > 100
    assert found.items() <= wanted.items()
