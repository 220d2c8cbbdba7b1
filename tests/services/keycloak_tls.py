"""Keycloak with mutual TLS: one more process of it on the stack's database, so the same realm, keys and issuer."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx2

from common.tls import client_context, new_key
from init.vault_pki import MOUNT, ROOT
from stack import distribution
from stack.keycloak import KeycloakPart
from stack.ports import free_ports
from stack.processes import base_environment, wait_until
from tests.services.agents import Site

BUILD_OPTIONS = (*distribution.BUILD_OPTIONS, "--https-client-auth=request")
"""Whether clients are asked for certificates is decided when Keycloak is built."""


@contextmanager
def keycloak_tls(site: Site, folder: Path) -> Iterator[str]:
    """Its address, for as long as the block runs."""
    stack = site.stack
    home = distribution.build(stack.layout, lambda _: None, BUILD_OPTIONS)
    ports = free_ports(("http", "https"))
    key, request = new_key()
    signed = site.vault.write(f"{MOUNT}/sign/agent-services", {"csr": request, "common_name": "localhost"})
    root = (site.vault.read(f"{ROOT}/cert/ca") or {})["certificate"]
    files = {
        "key.pem": key.get_secret_value(),
        "certificate.pem": f"{signed['certificate']}\n{signed['issuing_ca']}",
        "trusted.pem": f"{signed['issuing_ca']}\n{root}",
    }
    for name, text in files.items():
        (folder / name).write_text(text)
    launch = KeycloakPart(stack.instance).server()
    own = str(distribution.home(stack.layout))
    argv = [word.replace(own, str(home)) for word in launch.argv if "AOTCache" not in word]
    environment = {
        **base_environment(stack.layout.temporary),
        **launch.env,
        "KC_HTTP_PORT": str(ports["http"]),
        "KC_HTTPS_PORT": str(ports["https"]),
        "KC_HTTPS_CERTIFICATE_FILE": str(folder / "certificate.pem"),
        "KC_HTTPS_CERTIFICATE_KEY_FILE": str(folder / "key.pem"),
        "KC_HTTPS_CLIENT_AUTH": "request",
        "KC_HTTPS_TRUST_STORE_FILE": str(folder / "trusted.pem"),
        "KC_HTTPS_TRUST_STORE_TYPE": "PEM",
    }
    with (folder / "keycloak.log").open("wb") as log:
        process = subprocess.Popen(argv, cwd=home, env=environment, stdout=log, stderr=log)
    try:
        address = f"https://localhost:{ports['https']}"
        _wait(process, f"{address}/health/ready", site.authority, folder / "keycloak.log")
        yield address
    finally:
        process.terminate()
        process.wait(30)


def _wait(process: subprocess.Popen[bytes], url: str, authority: str, log: Path) -> None:
    with httpx2.Client(verify=client_context(authority), trust_env=False) as http:
        for _ in wait_until(time.monotonic() + 120, 0.2):
            if process.poll() is not None:
                break
            with suppress(httpx2.HTTPError):
                if http.get(url).status_code == httpx2.codes.OK:
                    return
    raise RuntimeError(log.read_text()[-2000:])
