"""Keycloak as a part of the stack: the built distribution on PostgreSQL, started as quickly as a JVM can."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from pathlib import Path

from common import host_check
from stack import distribution, programs
from stack.answers import answers
from stack.layout import ROOT, Layout
from stack.part import Instance, Say
from stack.ports import LOOPBACK
from stack.processes import Launch

FIRST_JAVA_WITH_AOT_CACHE = 25
"""One-step recording of a start cache (``-XX:AOTCacheOutput``, JEP 514)."""

_JVM = (
    "-XX:TieredStopAtLevel=1",
    "-XX:+UseSerialGC",
    "-Xms128m",
    "-Xmx512m",
    "-XX:MetaspaceSize=96M",
    "-XX:MaxMetaspaceSize=256m",
    "-XX:+ExitOnOutOfMemoryError",
    "-Dfile.encoding=UTF-8",
    "-Dstdout.encoding=UTF-8",
    "-Dstderr.encoding=UTF-8",
    "-Djava.security.egd=file:/dev/urandom",
    "-Djdk.tls.rejectClientInitiatedRenegotiation=true",
    "-Djava.util.concurrent.ForkJoinPool.common.threadFactory=io.quarkus.bootstrap.forkjoin.QuarkusForkJoinWorkerThreadFactory",
    "--add-opens=java.base/java.util=ALL-UNNAMED",
    "--add-opens=java.base/java.util.concurrent=ALL-UNNAMED",
    "--add-opens=java.base/java.security=ALL-UNNAMED",
    "--add-opens=java.base/java.lang=ALL-UNNAMED",
    "--enable-native-access=ALL-UNNAMED",
    "-Duser.language=en",
    "-Duser.country=US",
    programs.NO_SHARED_FILES,
)
"""What ``kc.sh`` passes, but for the compiler (its first tier only) and the collector: both start sooner."""

_FILES = ROOT / "deploy" / "keycloak"
ADVERTISED = _FILES / "metadata.json"
"""What Keycloak's metadata (RFC 8414) says besides: that there are public clients. Programs that register for what they
find there (mcp-remote does) would ask for a secret otherwise, and be refused."""

ADVERTISED_WITH_DOCUMENTS = _FILES / "client-documents.json"
"""The same where `init` lets clients in by their metadata documents."""


class KeycloakPart:
    """The identity server. The database login and the first administrator come in its environment.

    Keycloak answers whatever ``Host`` says: a strict hostname only keeps that out of the links it writes. So
    :mod:`common.host_check` has the public port, and Keycloak itself demands the PROXY protocol on one of its own.
    """

    def __init__(self, instance: Instance, *, database: str = "keycloak") -> None:
        self._instance = instance
        self._port = instance.ports["keycloak"]
        self._database = database

    def prepare(self, say: Say) -> None:
        """Have the distribution built."""
        distribution.build(self._instance.layout, say)

    def launch(self) -> Launch:
        """Java directly: ``kc.sh`` would stay in between as a shell that forwards signals."""
        cache = aot_cache(self._instance.layout)
        return self.launch_with(*((f"-XX:AOTCache={cache}",) if cache.exists() else ()))

    def launch_with(self, *jvm: str) -> Launch:
        """The same start with other JVM options in front (recording a cache)."""
        bare, inner = self.server(*jvm), self._instance.ports["keycloak-inner"]
        room = self._instance.room
        names = (room.address,) if room else ()
        checked = host_check.command((LOOPBACK, self._port), f"proxy:{LOOPBACK}:{inner}", *names)
        behind = {"KC_HTTP_PORT": str(inner), "KC_PROXY_PROTOCOL_ENABLED": "true"}
        return replace(bare, argv=(*checked, *bare.argv), env={**bare.env, **behind})

    def server(self, *jvm: str) -> Launch:
        """Keycloak alone: on its public port, with nothing in front that checks ``Host``."""
        home = distribution.home(self._instance.layout)
        return Launch(
            argv=(
                str(programs.java() / "bin" / "java"), *jvm, *_JVM,
                f"-Djava.io.tmpdir={self._instance.layout.temporary}",
                f"-Dkc.home.dir={home}", f"-Djboss.server.config.dir={home / 'conf'}",
                "-Djava.util.logging.manager=org.jboss.logmanager.LogManager",
                "-Dpicocli.disable.closures=true", "-Dquarkus-log-max-startup-records=10000",
                "-cp", str(home / "lib" / "quarkus-run.jar"),
                "io.quarkus.bootstrap.runner.QuarkusEntryPoint", "start", "--optimized",
            ),
            cwd=home,
            env=self.environment(),
        )  # fmt: skip

    def environment(self) -> dict[str, str]:
        """Keycloak's own settings (``KC_*``)."""
        secrets = self._instance.secrets()
        return {
            "KC_HTTP_ENABLED": "true",
            "KC_HTTP_HOST": LOOPBACK,
            "KC_HTTP_PORT": str(self._port),
            **self._names(),
            "KC_DB_URL": f"jdbc:postgresql://{LOOPBACK}:{self._instance.ports['postgres']}/{self._database}",
            "KC_DB_USERNAME": "keycloak",
            "KC_DB_PASSWORD": secrets["KEYCLOAK_DB_PASSWORD"],
            "KC_BOOTSTRAP_ADMIN_USERNAME": secrets["KEYCLOAK_ADMIN"],
            "KC_BOOTSTRAP_ADMIN_PASSWORD": secrets["KEYCLOAK_ADMIN_PASSWORD"],
            # Decided when Keycloak is built, and again at each start: without it, it opens ports for a cluster.
            "KC_CACHE": "local",
            "KC_SHUTDOWN_DELAY": "0",
            "KC_SHUTDOWN_TIMEOUT": "3s",
            "KC_LOG_CONSOLE_COLOR": "false",
            # A workshop signs in as alice from many browsers at one moment. Keycloak's default answers all but one
            # of them "invalid password", so that guesses in parallel do not outrun its count of failures.
            "KC_SPI_BRUTE_FORCE_PROTECTOR__DEFAULT_BRUTE_FORCE_DETECTOR__ALLOW_CONCURRENT_REQUESTS": "true",
            # It notes each health check answered "not yet", and it is asked many times a second.
            "KC_LOG_LEVEL": "info,io.smallrye.health:warn",
            **_advertising(),
        }

    def _names(self) -> dict[str, str]:
        """Where browsers find it. In a room its administration stays on loopback, and so do the servers that use it."""
        here, origin = f"http://localhost:{self._port}", self._instance.origin
        if not origin:
            return {"KC_HOSTNAME": here}
        return {"KC_HOSTNAME": origin, "KC_HOSTNAME_ADMIN": here, "KC_HOSTNAME_BACKCHANNEL_DYNAMIC": "true"}

    def ready(self) -> bool:
        """True once ``/health/ready`` says so (database reachable)."""
        return answers(self._port, "/health/ready")


def _advertising() -> dict[str, str]:
    file = ADVERTISED_WITH_DOCUMENTS if os.environ.get("CLIENT_DOCUMENTS", "").strip() else ADVERTISED
    option = "KC_SPI_WELL_KNOWN__{}__OPENID_CONFIGURATION_OVERRIDE"
    return {option.format(name): str(file) for name in ("OPENID_CONFIGURATION", "OAUTH_AUTHORIZATION_SERVER")}


def aot_cache(layout: Layout) -> Path:
    """The start cache that belongs to this very Java, these jars and these options; it may not exist."""
    release = programs.java() / "release"
    java = release.read_text() if release.exists() else str(programs.java())
    key = hashlib.sha256("\n".join((java, str(programs.java()), *_JVM)).encode()).hexdigest()[:8]
    return distribution.home(layout) / f"start-{key}.aot"


def tables(layout: Layout) -> Path:
    """Keycloak's empty tables as SQL, for new databases; it may not exist."""
    return distribution.home(layout) / "tables.sql"
