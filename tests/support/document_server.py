"""A host that publishes client-id metadata documents: https on loopback, with an authority of its own."""

from __future__ import annotations

import datetime
import ipaddress
import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

REDIRECT = "http://127.0.0.1/callback"

Answer = Callable[[BaseHTTPRequestHandler], None]


class DocumentServer:
    """What it serves by path, and which paths were asked for. ``authority`` is a PEM file that vouches for it."""

    def __init__(self, port: int, authority: Path) -> None:
        self.base = f"https://localhost:{port}"
        self.authority = authority
        self.served: dict[str, bytes | Answer] = {}
        self.seen: list[str] = []

    def publish(self, path: str, *, without: str = "", **changes: Any) -> str:
        """A good document at ``path``, with these changes; its address."""
        document = {
            "client_id": self.base + path,
            "client_name": "Documented",
            "redirect_uris": [REDIRECT],
            "grant_types": ["authorization_code", "refresh_token"],
            "token_endpoint_auth_method": "none",
        }
        kept = {name: value for name, value in (document | changes).items() if name != without}
        return self.serve(path, json.dumps(kept).encode())

    def serve(self, path: str, answer: bytes | Answer) -> str:
        """Anything at ``path``; its address."""
        self.served[path] = answer
        return self.base + path


@contextmanager
def document_server(folder: Path) -> Iterator[DocumentServer]:
    """For as long as the block runs; its authority lies in ``folder``."""
    certificate, key = _authority(folder)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            documents.seen.append(self.path)
            answer = documents.served.get(self.path)
            # Whoever asked may be gone before a slow answer is.
            with suppress(OSError):
                if callable(answer):
                    answer(self)
                else:
                    self.send_response(404 if answer is None else 200)
                    self.send_header("Content-Type", "application/json")
                    self.end_headers()
                    self.wfile.write(answer or b"")

        def log_message(self, *_: object) -> None:
            """The tests' own output is enough."""

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.socket = context.wrap_socket(server.socket, server_side=True)
    documents = DocumentServer(server.server_port, certificate)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield documents
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _authority(folder: Path) -> tuple[Path, Path]:
    """A certificate for localhost that is its own authority, and its key, as files."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "documents of the tests")])
    now = datetime.datetime.now(datetime.UTC)
    hosts = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName(hosts), critical=False)
        .sign(key, hashes.SHA256())
    )
    certificate, secret = folder / "documents.pem", folder / "documents.key"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    secret.touch(mode=0o600)
    secret.write_bytes(key.private_bytes(*form))
    return certificate, secret
