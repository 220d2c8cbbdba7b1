"""The pages that people see at the relay: asking for the code, and saying what went wrong. No script, no other host."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from html import escape

from starlette.responses import HTMLResponse

from common.errors import Problem
from services.auth_relay.redirects import origin

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
    *, chatbot: str, user: str, said: Problem | None, form_targets: Sequence[str], status: int = 200
) -> HTMLResponse:
    """The link's page: which chatbot will act for the person, and the field for the code that their chat shows."""
    problem = f'<p class="bad" role="alert">{escape(said.what)} {escape(said.fix)}</p>' if said else ""
    body = f"""
<h1>{escape(chatbot)} wants to act as you</h1>
<p>After you sign in, <strong>{escape(chatbot)}</strong> can use your tools in your name, in the chat of
<strong>{escape(user)}</strong>, until you take that back.</p>
<p class="warn">Go on only if you asked for this in your own chat. If somebody sent you this link, or a code, close this
page: it would be their chat that acts as you.</p>
{problem}
<form method="post" autocomplete="off">
<label for="code">Code that your chat shows</label>
<input id="code" name="code" required autofocus maxlength="12" placeholder="ABC-123" spellcheck="false">
<button type="submit">Continue to sign in</button>
</form>
<p class="small">Your password is typed at Keycloak only. This link can be used once.</p>"""
    return _page(f"Sign in for {chatbot}", body, status=status, form_targets=form_targets)


def problem_page(problem: Problem, *, status: int) -> HTMLResponse:
    """What went wrong and what to do, with the code that a program would get."""
    body = f"""
<h1>The sign-in did not work</h1>
<p class="bad" role="alert">{escape(problem.what)}</p>
<p>{escape(problem.fix)}</p>
<p class="small">Error: <code>{escape(problem.code)}</code></p>"""
    return _page("The sign-in did not work", body, status=status)


def _page(title: str, body: str, *, status: int, form_targets: Sequence[str] = ()) -> HTMLResponse:
    # A browser checks `form-action` again at each redirect that follows the form, so all of its stations are named.
    targets = " ".join(["'self'", *dict.fromkeys(origin(url) for url in form_targets)]) if form_targets else "'none'"
    policy = (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action {targets};"
        " base-uri 'none'; frame-ancestors 'none'"
    )
    html = f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex"><title>{escape(title)}</title><style>{_STYLE}</style></head>
<body><main>{body}
</main></body></html>"""
    return HTMLResponse(html, status, headers={"Content-Security-Policy": policy})
