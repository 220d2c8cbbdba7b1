"""A small page at the root of a service that is made for programs: what it is, who uses it, where to look."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from starlette.responses import HTMLResponse

_STYLE = (
    "body{font:1.05rem/1.6 system-ui,sans-serif;max-width:42rem;margin:4rem auto;padding:0 1rem;"
    "color-scheme:light dark}code{font-size:.95em}"
)
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


def front_page(title: str, said: str, *, links: Sequence[tuple[str, str]]) -> HTMLResponse:
    """The page. ``said``: its paragraph; ``links``: what is linked, and the address; every text is shown as text."""
    listed = "".join(f'<li><a href="{escape(where, quote=True)}">{escape(what)}</a></li>' for what, where in links)
    return HTMLResponse(
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>"
        f"<body><h1>{escape(title)}</h1><p>{escape(said)}</p><ul>{listed}</ul></body></html>",
        headers={"Content-Security-Policy": _POLICY, "X-Content-Type-Options": "nosniff"},
    )
