"""The token API's own page: a form that makes a token, one file, no network beside this API."""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from pathlib import Path

from starlette.responses import HTMLResponse

_FILE = Path(__file__).with_name("page.html")


def render(*, demo: bool) -> HTMLResponse:
    """The page. Its policy (CSP) lets run what stands in it and nothing else."""
    text, policy = _read()
    return HTMLResponse(
        text.replace('data-demo=""', f'data-demo="{"yes" if demo else "no"}"'),
        headers={
            "Content-Security-Policy": policy,
            "Cache-Control": "no-store",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
        },
    )


@cache
def _read() -> tuple[str, str]:
    text = _FILE.read_text(encoding="utf-8")
    hashes = {kind: _hash(re.findall(rf"<{kind}>(.*?)</{kind}>", text, re.DOTALL)[0]) for kind in ("script", "style")}
    policy = (
        f"default-src 'none'; script-src '{hashes['script']}'; style-src '{hashes['style']}'; connect-src 'self';"
        " img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return text, policy


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
