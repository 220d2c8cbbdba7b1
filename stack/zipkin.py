"""Zipkin as a part of the stack: the trace store of ``./demo up --observe``, fetched from Maven like Keycloak."""

from __future__ import annotations

import secrets
from pathlib import Path

import yaml

from common import host_check
from fastmcp_vault.files import write_private
from stack import maven, programs
from stack.answers import answers
from stack.inner_tls import InnerIdentity
from stack.maven import MavenFile
from stack.part import Instance, Say
from stack.ports import LOOPBACK
from stack.processes import Launch

VERSION = "3.6.1"
SHA256 = "d8326e0ed4f43855dba81228f688554706e52578a7c782d9a90b73f8680654a1"

ARCHIVE = MavenFile("Zipkin", "io.zipkin", "zipkin-server", VERSION, SHA256, "jar", "exec")

SPANS_KEPT = 50_000
"""Spans that it holds, in memory alone: some thousand calls. The oldest go first."""

_JVM = (
    "-XX:TieredStopAtLevel=1",
    "-XX:+UseSerialGC",
    "-Xmx192m",
    "-XX:+ExitOnOutOfMemoryError",
    "--enable-native-access=ALL-UNNAMED",
    "-Dcom.linecorp.armeria.useOpenSsl=false",  # the OpenSSL that it brings does not take its own server's handshake
    programs.NO_SHARED_FILES,
)


class ZipkinPart:
    """The server with its pages. Spans name people, and Zipkin answers whatever ``Host`` says.

    So :mod:`common.host_check` has the public port, and Zipkin itself one with TLS for nobody's name.
    """

    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        self._port, self._inner = instance.ports["zipkin"], instance.ports["zipkin-inner"]
        self._home = instance.layout.data / "zipkin"

    @property
    def _program(self) -> Path:
        return self._home / "zipkin.jar"

    def prepare(self, say: Say) -> None:
        """Have the program, and write its configuration anew: ports may have moved."""
        self._home.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._program.unlink(missing_ok=True)
        self._program.symlink_to(maven.fetch(ARCHIVE, say))
        identity, password = InnerIdentity(self._home), secrets.token_urlsafe()
        identity.store.unlink(missing_ok=True)
        identity.make(password)
        write_private(self._home / "zipkin.yml", yaml.safe_dump(self._settings(identity, password)))

    def _settings(self, identity: InnerIdentity, password: str) -> dict[str, object]:
        """Over what the program's own ``zipkin-server.yml`` says."""
        audit = f"http://localhost:{self._instance.ports['app']}/audit?id={{traceId}}"
        store = {"key-store": f"file:{identity.store}", "key-store-type": "PKCS12", "key-store-password": password}
        return {
            "armeria": {
                "ports": [{"ip": LOOPBACK, "port": self._inner, "protocols": ["https"]}],
                "ssl": {"enabled": True, **store},
            },
            "zipkin": {
                "storage": {"mem": {"max-spans": SPANS_KEPT}},
                # "View Logs", in a trace's menu, leads to who did it, and to what the other parts wrote about that.
                "ui": {"logs-url": audit},
                "query": {"allowed-origins": f"http://localhost:{self._port}"},
            },
        }

    def launch(self) -> Launch:
        """Java behind the check."""
        checked = host_check.command((LOOPBACK, self._port), f"tls:{LOOPBACK}:{self._inner}")
        own = f"--spring.config.additional-location=file:{self._home / 'zipkin.yml'}"
        temporary = f"-Djava.io.tmpdir={self._instance.layout.temporary}"
        java = str(programs.java() / "bin" / "java")
        argv = (*checked, java, *_JVM, temporary, "-jar", str(self._program), "--logging.level.root=WARN", own)
        return Launch(argv=argv, cwd=self._home)

    def ready(self) -> bool:
        """True once it takes spans (Zipkin: /health)."""
        return answers(self._port, "/health")
