"""The secrets server as a part of the stack: OpenBao, or HashiCorp Vault; raft storage, never in dev mode."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from typing import Any

from common import host_check
from fastmcp_vault.errors import InputError
from stack import programs, secret_store
from stack.part import Instance, Say
from stack.ports import LOOPBACK
from stack.processes import Launch
from stack.vault_seal import SEALS, VaultSeal, quoted

_NOT_INITIALISED, _SEALED = 501, 503
"""What ``sys/health`` answers before ``sys/init``, and while nobody has unsealed it (Vault API: system/health)."""

_SOCKET = "api.sock"
"""Where it listens, in its own folder (0700). A relative name: the whole path may be longer than a socket's can be."""


class VaultPart:
    """The secrets server. What unseals it and its initial root token lie in the state directory (0600).

    That is a shortcut of a demo on one machine: in production the seal is a KMS, and the initial root
    token is revoked when provisioning is done. The server answers whatever ``Host`` says, so
    :mod:`common.host_check` has the public port, and the server listens on a socket file.
    """

    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        self._port = instance.ports["openbao"]
        self._home = instance.layout.data / "openbao"
        self._program = programs.vault()
        self._seal: VaultSeal = SEALS[self._program.product](self._home)

    def prepare(self, say: Say) -> None:
        """Write its configuration anew (ports may have moved) and, the first time, its seal key.

        Raises InputError when its data is the other product's.
        """
        (self._home / "raft").mkdir(parents=True, exist_ok=True, mode=0o700)
        for product, seal in SEALS.items():
            if product != self._program.product and seal(self._home).key.exists():
                raise InputError(
                    f"The data in {self._home} was made by {product}, which {self._program.product} cannot read.",
                    fix=f"Run {product} again ({programs.VAULT_PROGRAM} chooses), or start over: `./demo reset`.",
                )
        self._seal.prepare()
        (self._home / "config.hcl").write_text(self._configuration())

    def launch(self) -> Launch:
        """``bao server``, or ``vault server``, with that configuration, behind the check of ``Host``."""
        checked = host_check.command((LOOPBACK, self._port), f"unix:{_SOCKET}")
        return Launch(
            argv=(*checked, str(self._program.path), "server", f"-config={self._home / 'config.hcl'}"),
            cwd=self._home,
            env={"BAO_LOG_LEVEL": "warn", "VAULT_LOG_LEVEL": "warn"},
            writes=self._home / "audit.log",
        )

    def ready(self) -> bool:
        """True once active and unsealed; initialises it on the way when it is new, and unseals it where a key does.

        Raises NotReady when the key that unseals it is not there.
        """
        status = self._call("GET", "/v1/sys/health")[0]
        if status == _NOT_INITIALISED:
            self._initialise()
        elif status == _SEALED and (key := self._seal.unseals_with()):
            self._call("PUT", "/v1/sys/unseal", {"key": key})
        return status == http.HTTPStatus.OK

    def _initialise(self) -> None:
        status, answer = self._call("PUT", "/v1/sys/init", self._seal.asked)
        if status == http.HTTPStatus.OK:
            secret_store.keep(self._instance.layout, VAULT_TOKEN=answer["root_token"], **self._seal.given(answer))

    def _call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> tuple[int, dict[str, Any]]:
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
        cluster = self._instance.ports["openbao-cluster"]
        return f"""\
ui = true
api_addr = {quoted(f"http://localhost:{self._port}")}
cluster_addr = {quoted(f"http://{LOOPBACK}:{cluster}")}
listener "unix" {{
  address = {quoted(_SOCKET)}
  socket_mode = "600"
}}
# Raft needs an address for its cluster, and only this kind of listener has one. By HTTP it serves nothing.
listener "tcp" {{
  address = {quoted(f"{LOOPBACK}:0")}
  cluster_address = {quoted(f"{LOOPBACK}:{cluster}")}
  tls_disable = true
{self._seal.closed_listener}}}
storage "raft" {{
  path = {quoted(self._home / "raft")}
  node_id = "demo"
  performance_multiplier = 1
}}
{self._seal.stanzas()}"""
