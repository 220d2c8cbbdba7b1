"""The pages that a person sees at a provider: sign in and let a program in, and what has been let in so far.

A form posts to its own page's address, wherever a proxy has put that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape
from urllib.parse import parse_qs, urlencode

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from mock_services.oauth.server import OAuthApp, OAuthServer, origin
from mock_services.people import MockPerson, UsersFile

_KEPT = ("client_id", "redirect_uri", "scope", "state", "code_challenge", "code_challenge_method", "response_type")
_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:32rem;margin:3rem auto;padding:0 1rem;color:#1f2937}"
    "label{display:block;margin:.8rem 0 .2rem}input{font:inherit;width:100%;box-sizing:border-box;padding:.4rem}"
    "button{font:inherit;margin:1.2rem .5rem 0 0;padding:.5rem 1rem}.bad{color:#b91c1c}li{margin:.5rem 0}"
)

MayHaveAccount = Callable[[MockPerson], bool]


def add_pages(
    app: FastAPI,
    oauth: OAuthServer,
    *,
    title: str,
    authorize: str,
    manage: str,
    separator: str,
    has_account: MayHaveAccount = lambda _: True,
) -> None:
    """The pages of a provider called ``title``, at its real paths. ``separator``: between scopes."""

    async def ask(request: Request) -> Response:
        asked = dict(request.query_params)
        program = _program(oauth, asked)
        if program is None:
            return _page(title, _NOT_KNOWN, status=400)
        if asked.get("response_type", "code") != "code":
            return _back(asked, error="unsupported_response_type")
        return _consent(title, program, asked, separator)

    async def answer(request: Request) -> Response:
        asked = await _form(request)
        program = _program(oauth, asked)
        if program is None:
            return _page(title, _NOT_KNOWN, status=400)
        if asked.get("answer") != "yes":
            return _back(asked, error="access_denied")
        person = await _signed_in(request, asked)
        if person is None or not has_account(person):
            wrong = _WRONG if person is None else _NONE.format(name=escape(person.name), title=escape(title))
            return _consent(title, program, asked, separator, wrong=wrong)
        scopes = [scope for scope in asked.get("scope", "").split(separator) if scope]
        code = oauth.authorize(
            program,
            redirect_uri=asked["redirect_uri"],
            scopes=scopes,
            challenge=asked.get("code_challenge", ""),
            username=person.username,
        )
        return _back(asked, code=code)

    async def look(request: Request) -> Response:
        return _page(title, _sign_in_form("See what you have let in"))

    async def manage_answer(request: Request) -> Response:
        asked = await _form(request)
        person = await _signed_in(request, asked)
        if person is None:
            return _page(title, _WRONG + _sign_in_form("See what you have let in"), status=401)
        if asked.get("end"):
            oauth.end(asked["end"], person.username)
        return _page(title, _granted(oauth, person, asked.get("password", "")))

    app.add_api_route(authorize, ask, methods=["GET"])
    app.add_api_route(authorize, answer, methods=["POST"])
    app.add_api_route(manage, look, methods=["GET"])
    app.add_api_route(manage, manage_answer, methods=["POST"])


def _program(oauth: OAuthServer, asked: Mapping[str, str]) -> OAuthApp | None:
    return oauth.app(asked.get("client_id", ""), asked.get("redirect_uri", ""))


async def _signed_in(request: Request, asked: Mapping[str, str]) -> MockPerson | None:
    users: UsersFile = request.app.state.users
    return (await users.directory()).signs_in(asked.get("username", ""), asked.get("password", ""))


async def _form(request: Request) -> dict[str, str]:
    fields = parse_qs((await request.body()).decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=50)
    return {name: values[-1] for name, values in fields.items()}


def _consent(title: str, program: OAuthApp, asked: Mapping[str, str], separator: str, *, wrong: str = "") -> Response:
    kept = "".join(
        f'<input type="hidden" name="{name}" value="{escape(asked[name])}">' for name in _KEPT if name in asked
    )
    scopes = "".join(f"<li>{escape(scope)}</li>" for scope in asked.get("scope", "").split(separator) if scope)
    told = f"<p>It would be able to:</p><ul>{scopes}</ul>" if scopes else "<p>It would act with your rights.</p>"
    text = (
        f"<p><strong>{escape(program.title)}</strong> wants to use your {escape(title)} account.</p>{told}"
        + wrong
        + f'<form method="post">{kept}'
        + _SIGN_IN
        + '<button name="answer" value="yes">Sign in and allow</button>'
        + '<button name="answer" value="no" formnovalidate>Deny</button></form>'
    )
    return _page(title, text, status=401 if wrong else 200, leads_to=origin(asked["redirect_uri"]))


def _sign_in_form(button: str) -> str:
    return f'<form method="post">{_SIGN_IN}<button>{button}</button></form>'


def _granted(oauth: OAuthServer, person: MockPerson, password: str) -> str:
    found = oauth.granted_by(person.username)
    if not found:
        return f"<p>{escape(person.name)}, you have let no program in.</p>"
    login = (
        f'<input type="hidden" name="username" value="{escape(person.username)}">'
        f'<input type="hidden" name="password" value="{escape(password)}">'
    )
    rows = "".join(
        f'<li><form method="post">{login}'
        f"<strong>{escape(program.title)}</strong> {escape(' '.join(grant.scopes))} "
        f'<button name="end" value="{escape(program.client_id)}">Revoke</button></form></li>'
        for program, grant in found
    )
    return f"<p>{escape(person.name)}, these programs may use your account:</p><ul>{rows}</ul>"


_SIGN_IN = (
    '<label for="username">E-mail or user name</label>'
    '<input id="username" name="username" required autocomplete="username">'
    '<label for="password">Password</label>'
    '<input id="password" name="password" type="password" required autocomplete="current-password">'
)
_WRONG = '<p class="bad" role="alert">There is no such account, or the password is wrong.</p>'
_NONE = '<p class="bad" role="alert">{name} has no {title} account: the users file names no login for it.</p>'
_NOT_KNOWN = "<p>This program is not known here, or may not be answered at that address.</p>"


def _back(asked: Mapping[str, str], **told: str) -> Response:
    """To the program, with what was said (RFC 6749 §4.1.2)."""
    query = urlencode({**told, **({"state": asked["state"]} if "state" in asked else {})})
    mark = "&" if "?" in asked["redirect_uri"] else "?"
    address = f"{asked['redirect_uri']}{mark}{query}"
    return RedirectResponse(address, status_code=303, headers={"Cache-Control": "no-store"})


def _page(title: str, text: str, *, status: int = 200, leads_to: str = "") -> Response:
    page = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{_STYLE}</style></head><body><h1>{escape(title)} (mock)</h1>{text}</body></html>"
    )
    policy = f"default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; form-action 'self' {leads_to}"
    return HTMLResponse(
        page,
        status_code=status,
        headers={
            "Content-Security-Policy": policy.strip(),
            "Cache-Control": "no-store",
            "Referrer-Policy": "no-referrer",
        },
    )
