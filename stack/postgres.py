"""PostgreSQL as a part of the stack: its cluster, Keycloak's database in it, TCP on loopback with scram."""

from __future__ import annotations

import hashlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from fastmcp_vault.errors import NotReady
from stack import programs
from stack.part import Instance, Say
from stack.ports import LOOPBACK
from stack.processes import Launch, base_environment

_ROOTS_PLACE = Path("/var/lib/mcp-remote-vault")
_UNPRIVILEGED = ("postgres", "_postgres", "nobody")


class Postgres:
    """The server that holds Keycloak's data, the shared state and the tools' database.

    PostgreSQL refuses to run as root. Started by root, it runs as an unprivileged user, who can enter
    neither a 0700 state directory nor perhaps the checkout: its data (and programs, where needed) then
    lie in ``/var/lib/mcp-remote-vault``, and the state directory links there. ``tables`` is SQL that a
    new Keycloak database starts with, if the file exists.
    """

    def __init__(self, instance: Instance, *, tables: Path) -> None:
        self._tables = tables
        self._instance = instance
        self._port = instance.ports["postgres"]
        self._user = _unprivileged_user() if os.geteuid() == 0 else None
        self._link = instance.layout.data / "postgres"
        self._home = _home_for_root(self._link) if self._user else self._link

    def prepare(self, say: Say) -> None:
        """Make the cluster on the first start, with Keycloak's role and database in it."""
        if (self._home / "made").exists() and self._link.exists():
            return
        say("making the database cluster")
        shutil.rmtree(self._home, ignore_errors=True)
        self._home.mkdir(parents=True, mode=0o700)
        if self._user:
            _ROOTS_PLACE.chmod(0o711)
            os.chown(self._home, *self._user)
            self._link.unlink(missing_ok=True)
            self._link.symlink_to(self._home)
        self._make_cluster()
        (self._home / "made").touch()

    def launch(self) -> Launch:
        """``postgres`` itself, listening on loopback only and on no socket file."""
        settings = {
            "listen_addresses": LOOPBACK,
            "port": str(self._port),
            "unix_socket_directories": "",
            "max_connections": "400",
            "log_min_messages": "warning",
            "log_line_prefix": "%m [%p] %q%u@%d %a ",
        }
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return Launch(
            argv=(str(self._program("postgres")), "-D", str(self._home / "cluster"), *options),
            cwd=self._home,
            env={"LC_ALL": "C", "TMPDIR": str(self._home)},
            user=self._user,
            stop=signal.SIGINT,  # "fast": does not wait for clients to leave (PostgreSQL, Shutting Down the Server)
        )

    def ready(self) -> bool:
        """True when the server accepts connections (``pg_isready``)."""
        asked = subprocess.run(
            [self._program("pg_isready"), "-q", "-h", LOOPBACK, "-p", str(self._port), "-t", "1"],
            check=False,
            stdin=subprocess.DEVNULL,
            capture_output=True,
        )
        return asked.returncode == 0

    def tables_of_keycloak(self) -> str:
        """The running server's Keycloak tables as SQL, without a row but the list of applied changes."""
        secrets = self._instance.secrets()
        given = {"PGPASSWORD": secrets["KEYCLOAK_DB_PASSWORD"]}
        where = ("-h", LOOPBACK, "-p", str(self._port), "-U", "keycloak", "-d", "keycloak", "--inserts", "--no-owner")
        parts = [
            self._run("pg_dump", *where, *what, env=given)
            for what in (("--schema-only", "--no-privileges"), ("--data-only", "--table=databasechangelog*"))
        ]
        # Lines with a backslash are for psql alone.
        return "\n".join(line for line in "\n".join(parts).splitlines() if not line.startswith("\\"))

    def _make_cluster(self) -> None:
        secrets = self._instance.secrets()
        cluster = self._home / "cluster"
        with tempfile.NamedTemporaryFile("w", dir=self._home) as password:
            password.write(secrets["POSTGRES_ADMIN_PASSWORD"])
            password.flush()
            if self._user:
                os.chown(password.name, *self._user)
            self._run(
                "initdb", "-D", str(cluster), "-U", "postgres", "--auth=scram-sha-256", f"--pwfile={password.name}",
                "--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--no-sync",
            )  # fmt: skip
        self._execute(
            "postgres",
            f"CREATE ROLE keycloak LOGIN PASSWORD '{secrets['KEYCLOAK_DB_PASSWORD']}'",
            "CREATE DATABASE keycloak OWNER keycloak",
            "REVOKE CONNECT ON DATABASE keycloak FROM PUBLIC",
        )
        if self._tables.exists():
            self._execute("keycloak", "SET SESSION AUTHORIZATION keycloak", self._tables.read_text())

    def _execute(self, database: str, *statements: str) -> None:
        """Run statements as the superuser while no server runs (``postgres --single``), each on its own."""
        self._run(
            "postgres", "--single", "-j", "-D", str(self._home / "cluster"), database,
            given="".join(f"{statement.rstrip(';')};\n\n" for statement in statements),
        )  # fmt: skip

    def _run(self, program: str, *arguments: str, given: str = "", env: Mapping[str, str] | None = None) -> str:
        done = subprocess.run(
            [self._program(program), *arguments],
            check=False,
            cwd=self._home,
            env=base_environment(self._home) | {"LC_ALL": "C", **(env or {})},
            input=given,
            capture_output=True,
            text=True,
            user=self._user[0] if self._user else None,
            group=self._user[1] if self._user else None,
            extra_groups=() if self._user else None,
        )
        if done.returncode or " ERROR: " in done.stderr:
            last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
            raise NotReady(
                f"PostgreSQL's {program} failed: {' '.join(last) or f'exit code {done.returncode}'}",
                fix="`./demo doctor` checks the disk and the programs; `./demo reset` starts over.",
            )
        return done.stdout

    def _program(self, name: str) -> Path:
        return (programs.postgres_for_others(_ROOTS_PLACE) if self._user else programs.postgres()) / "bin" / name


def remove_data(link: Path) -> None:
    """Delete a cluster wherever it lies: behind root's link, or in the state directory itself."""
    if link.is_symlink():
        shutil.rmtree(link.resolve(), ignore_errors=True)
        link.unlink()
    elif link.exists():
        shutil.rmtree(link)


def _home_for_root(link: Path) -> Path:
    return _ROOTS_PLACE / hashlib.sha256(str(link).encode()).hexdigest()[:16]


def _unprivileged_user() -> tuple[int, int]:
    for name in _UNPRIVILEGED:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return entry.pw_uid, entry.pw_gid
    raise NotReady(
        f"PostgreSQL does not run as root, and none of the users {', '.join(_UNPRIVILEGED)} exists.",
        fix="Run `./demo up` as an ordinary user.",
    )
