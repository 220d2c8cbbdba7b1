"""The few plain pages that the routes answer with: one sentence, what to do, one link. No script, no outside file."""

from __future__ import annotations

from html import escape

from starlette.responses import HTMLResponse

from app.texts import language, t, told
from fastmcp_vault.errors import Problem

_PAGE = """<!doctype html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>
body {{ font: 1.125rem/1.6 system-ui, sans-serif; margin: 0; min-height: 100vh; display: grid; place-items: center;
  background: Canvas; color: CanvasText; }}
main {{ max-width: 34rem; padding: 2rem; }}
h1 {{ font-size: 1.75rem; line-height: 1.25; margin: 0 0 1rem; }}
a {{ display: inline-block; margin: 1rem 1rem 0 0; padding: .55rem 1.1rem; border-radius: .5rem; text-decoration: none;
  border: 1px solid light-dark(#c9d1d9, #3d4653); color: inherit; }}
a.first {{ background: #1f5fbf; border-color: #1f5fbf; color: #fff; }}
a:focus-visible {{ outline: 3px solid #6ea8fe; outline-offset: 2px; }}
</style>
</head>
<body><main><h1>{title}</h1><p>{what}</p><p>{fix}</p>{links}</main></body>
</html>
"""


def problem_page(title: str, problem: Problem, *, status: int, sign_in: bool = True) -> HTMLResponse:
    """``problem`` as a page a person can act on; never a traceback, never a value that was sent."""
    links = [(t("page.again"), "/auth/login")] if sign_in else []
    links.append((t("page.back"), "/"))
    shown = "".join(
        f'<a href="{escape(href)}"{" class=first" if i == 0 else ""}>{escape(label)}</a>'
        for i, (label, href) in enumerate(links)
    )
    body = _PAGE.format(
        language=language(),
        title=escape(title),
        what=escape(told(problem.what)),
        fix=escape(told(problem.fix)),
        links=shown,
    )
    return HTMLResponse(body, status_code=status, headers={"Cache-Control": "no-store"})
