"""The one page over plain HTTP: the authority's certificate, its fingerprint and QR code. Nobody signs in here."""

from __future__ import annotations

from html import escape

import segno
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from common.production import is_ip
from common.speech import said, spoken
from fastmcp_vault.sentences import Sentence
from services.room.settings import RoomSettings
from services.room.words import STEPS, WORDS

_STYLE = (
    "body{font:1.05rem/1.6 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem}"
    ":root{color-scheme:light dark}svg{width:15rem;height:15rem;background:#fff}"
    "code{font-size:1.05em;overflow-wrap:anywhere}"
    "a.go{display:inline-block;margin:.4rem .8rem .4rem 0;padding:.5rem 1rem;border:1px solid;border-radius:.5rem}"
    "dt{font-weight:600}"
)
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


def fingerprint(certificate: x509.Certificate) -> str:
    """SHA-256 of a certificate, as browsers and phones show it."""
    return certificate.fingerprint(hashes.SHA256()).hex(":").upper()


class RoomPage:
    """ASGI application: ``/``, the certificate as DER (what phones take) and as PEM; GET and HEAD only."""

    def __init__(self, settings: RoomSettings, authority: x509.Certificate) -> None:
        self._settings, self._authority = settings, authority
        self._host = settings.page.removeprefix("http://").removesuffix("/")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "http":
            await self._response(Request(scope))(scope, receive, send)

    def _response(self, request: Request) -> ASGIApp:
        language = spoken(request.headers.get("accept-language"))
        if [host.lower() for host in request.headers.getlist("host")] != [self._host]:
            elsewhere = said(Sentence("This room is at {address}.", address=self._settings.page), language)
            return PlainTextResponse(f"{elsewhere}\n", 421, headers=_HEADERS)
        if request.method not in ("GET", "HEAD"):
            return PlainTextResponse(f"{said('This address takes other methods.', language)}\n", 405, headers=_HEADERS)
        encodings = {"/room-ca.crt": serialization.Encoding.DER, "/room-ca.pem": serialization.Encoding.PEM}
        encoding = encodings.get(request.url.path)
        if encoding is not None:
            pem = encoding is serialization.Encoding.PEM
            kind = "application/x-pem-file" if pem else "application/x-x509-ca-cert"
            return Response(self._authority.public_bytes(encoding), media_type=kind, headers=_HEADERS)
        if request.url.path == "/":
            return HTMLResponse(_page(self._settings, self._authority, language), headers=_HEADERS)
        return PlainTextResponse(f"{said('There is nothing at this address.', language)}\n", 404, headers=_HEADERS)


def _page(settings: RoomSettings, authority: x509.Certificate, language: str) -> str:
    words, origin = WORDS[language], escape(settings.origin)
    limits = words["limits-ip" if is_ip(settings.room_address) else "limits"].format(
        address=f"<code>{escape(settings.room_address)}</code>", until=authority.not_valid_after_utc.date().isoformat()
    )
    steps = "".join(f"<dt>{escape(device)}</dt><dd>{escape(way)}</dd>" for device, way in STEPS[language])
    drawn = segno.make(settings.page, error="m", micro=False).svg_inline(border=3, omitsize=True)
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><title>{words["title"]}</title>'
        f"<style>{_STYLE}</style></head>"
        f"<body><h1>{words['title']}</h1><p>{words['why']}</p>"
        f'<p><a class="go" href="/room-ca.crt">{words["get"]}</a> <a href="/room-ca.pem">{words["pem"]}</a></p>'
        f"<p>{words['compare']}</p><p><code>{fingerprint(authority)}</code></p><p>{limits}</p>"
        f'<p><a class="go" href="{origin}/">{words["go"]}</a> <code>{origin}/</code></p>'
        f"<h2>{words['how']}</h2><dl>{steps}</dl>"
        f"<p>{words['scan']} <code>{escape(settings.page)}</code></p>{drawn}</body></html>\n"
    )
