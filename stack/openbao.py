"""OpenBao as a part of the stack: raft storage, static seal, audit file; initialised once, never in dev mode."""

from __future__ import annotations

import http.client
import json
import secrets

from common import host_check
from stack import programs, secret_store
from stack.part import Instance, Say
from stack.ports import LOOPBACK
from stack.processes import Launch

_NOT_INITIALISED = 501
"""What ``sys/health`` answers before ``sys/init`` (Vault API: system/health)."""

_SOCKET = "api.sock"
"""Where it listens, in its own folder (0700). A relative name: the whole path may be longer than a socket's can be."""


class OpenBao:
    """The secrets server. Its unseal key and initial root token lie in the state directory (0600).

    That is a shortcut of a demo on one machine: in production the seal is a KMS, and the initial root
    token is revoked when provisioning is done. OpenBao answers whatever ``Host`` says, so
    :mod:`common.host_check` has the public port, and OpenBao listens on a socket file.
    """

    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        self._port = instance.ports["openbao"]
        self._home = instance.layout.data / "openbao"

    def prepare(self, say: Say) -> None:
        """Write its configuration anew (ports may have moved) and, the first time, its seal key."""
        (self._home / "raft").mkdir(parents=True, exist_ok=True, mode=0o700)
        key = self._home / "seal.key"
        if not key.exists():
            key.touch(mode=0o600)
            key.write_bytes(secrets.token_bytes(32))
        (self._home / "config.hcl").write_text(self._configuration())

    def launch(self) -> Launch:
        """``bao server`` with that configuration, behind the check of ``Host``."""
        checked = host_check.command((LOOPBACK, self._port), f"unix:{_SOCKET}")
        return Launch(
            argv=(*checked, str(programs.vault()), "server", f"-config={self._home / 'config.hcl'}"),
            cwd=self._home,
            env={"BAO_LOG_LEVEL": "warn"},
            writes=self._home / "audit.log",
        )

    def ready(self) -> bool:
        """True once active and unsealed; initialises it on the way when it is new."""
        status = self._call("GET", "/v1/sys/health")[0]
        if status == _NOT_INITIALISED:
            self._initialise()
        return status == http.HTTPStatus.OK

    def _initialise(self) -> None:
        """``sys/init`` (Vault API: system/init): with an auto-unseal seal the shares are recovery shares."""
        status, answer = self._call("PUT", "/v1/sys/init", {"recovery_shares": 1, "recovery_threshold": 1})
        if status == http.HTTPStatus.OK:
            secret_store.keep(
                self._instance.layout, VAULT_TOKEN=answer["root_token"], VAULT_RECOVERY_KEY=answer["recovery_keys"][0]
            )

    def _call(self, method: str, path: str, body: dict[str, int] | None = None) -> tuple[int, dict[str, str]]:
        connection = http.client.HTTPConnection(LOOPBACK, self._port, timeout=5)
        try:
            connection.request(method, path, json.dumps(body) if body else None)
            response = connection.getresponse()
            return response.status, json.loads(response.read() or b"{}")
        except (OSError, http.client.HTTPException, ValueError):
            return 0, {}
        finally:
            connection.close()

    def _configuration(self) -> str:
        def text(value: object) -> str:
            return json.dumps(str(value))

        cluster = self._instance.ports["openbao-cluster"]
        return f"""\
ui = true
api_addr = {text(f"http://localhost:{self._port}")}
cluster_addr = {text(f"http://{LOOPBACK}:{cluster}")}
listener "unix" {{
  address = {text(_SOCKET)}
  socket_mode = "600"
}}
# Raft needs an address for its cluster, and only this kind of listener has one. By HTTP it serves nothing.
listener "tcp" {{
  address = {text(f"{LOOPBACK}:0")}
  cluster_address = {text(f"{LOOPBACK}:{cluster}")}
  tls_disable = true
  telemetry {{
    metrics_only = true
    disallow_metrics = true
  }}
}}
storage "raft" {{
  path = {text(self._home / "raft")}
  node_id = "demo"
  performance_multiplier = 1
}}
seal "static" {{
  current_key_id = "demo-1"
  current_key = {text(f"file://{self._home / 'seal.key'}")}
}}
audit "file" "file" {{
  options {{
    file_path = {text(self._home / "audit.log")}
  }}
}}
"""
