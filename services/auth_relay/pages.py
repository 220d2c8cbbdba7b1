"""The pages that people see at the relay: asking for the code, and saying what went wrong. No script, no other host."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from html import escape

from starlette.responses import HTMLResponse

from common.speech import said as in_language
from fastmcp_vault.errors import Problem
from fastmcp_vault.printable import printable
from services.auth_relay.redirects import origin
from services.auth_relay.words import WORDS

_STYLE = """
:root { color-scheme: light dark; --line: #8884; --accent: #2f5bd7; --bad: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --accent: #8aa8ff; --bad: #ff8a80; } }
body { font: 1rem/1.5 system-ui, sans-serif; margin: 0; display: grid; min-height: 100vh; place-items: center; }
main { box-sizing: border-box; width: min(30rem, 100%); padding: 2rem; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 1rem; }
label { display: block; font-weight: 600; margin: 1.5rem 0 .25rem; }
input { box-sizing: border-box; width: 100%; font: 1.5rem ui-monospace, monospace; letter-spacing: .15em;
  text-transform: uppercase; padding: .5rem .75rem; border: 1px solid var(--line); border-radius: .5rem; }
button { font: inherit; font-weight: 600; margin-top: 1rem; padding: .6rem 1.2rem; border: 0; border-radius: .5rem;
  background: var(--accent); color: Canvas; cursor: pointer; }
.warn { border-left: 3px solid var(--accent); padding-left: .75rem; }
.bad { border-left: 3px solid var(--bad); padding-left: .75rem; }
.small { font-size: .875rem; opacity: .75; }
"""
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode("ascii")


def ask_for_code(
    *, chatbot: str, user: str, said: Problem | None, form_targets: Sequence[str], spoken: str, status: int = 200
) -> HTMLResponse:
    """The link's page: which chatbot will act for the person, and the field for the code that their chat shows."""
    words = WORDS[spoken]
    bold = {"chatbot": f"<strong>{escape(chatbot)}</strong>", "user": f"<strong>{escape(printable(user))}</strong>"}
    problem = f'<p class="bad" role="alert">{escape(" ".join(_told(said, spoken)))}</p>' if said else ""
    body = f"""
<h1>{words["ask"].format(chatbot=escape(chatbot))}</h1>
<p>{words["who"].format(**bold)}</p>
<p class="warn">{words["warn"]}</p>
{problem}
<form method="post" autocomplete="off">
<label for="code">{words["label"]}</label>
<input id="code" name="code" required autofocus maxlength="12" placeholder="ABC-123" spellcheck="false">
<button type="submit">{words["do"]}</button>
</form>
<p class="small">{words["small"]}</p>"""
    return _page(words["title"].format(chatbot=chatbot), body, status=status, form_targets=form_targets, spoken=spoken)


def problem_page(problem: Problem, *, status: int, spoken: str) -> HTMLResponse:
    """What went wrong and what to do, with the code that a program would get."""
    words, (what, fix) = WORDS[spoken], _told(problem, spoken)
    body = f"""
<h1>{words["failed"]}</h1>
<p class="bad" role="alert">{escape(what)}</p>
<p>{escape(fix)}</p>
<p class="small">{words["code"]} <code>{escape(problem.code)}</code></p>"""
    return _page(words["failed"], body, status=status, spoken=spoken)


def _told(problem: Problem, language: str) -> tuple[str, str]:
    return in_language(problem.what, language), in_language(problem.fix, language)


def _page(title: str, body: str, *, status: int, spoken: str, form_targets: Sequence[str] = ()) -> HTMLResponse:
    # A browser checks `form-action` again at each redirect that follows the form, so all of its stations are named.
    targets = " ".join(["'self'", *dict.fromkeys(origin(url) for url in form_targets)]) if form_targets else "'none'"
    policy = (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action {targets};"
        " base-uri 'none'; frame-ancestors 'none'"
    )
    html = f"""<!doctype html>
<html lang="{spoken}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex"><title>{escape(title)}</title><style>{_STYLE}</style></head>
<body><main>{body}
</main></body></html>"""
    return HTMLResponse(html, status, headers={"Content-Security-Policy": policy, "Vary": "Accept-Language"})
