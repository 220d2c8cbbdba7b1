"""Sign-in link, sign-out button and the choice of language.

The first two are a plain link and a plain form, so that the routes see a browser's own request.
Streamlit's buttons speak over the web socket and its links open a new tab; neither can change a cookie.
"""

from __future__ import annotations

from urllib.parse import quote

import streamlit as st

from app import language
from app.session import Person
from app.texts import LANGUAGES, t
from app.texts import language as spoken

HEIGHT = 52
"""Pixels: a button and the ring around it when it has the focus."""

_ACCOUNT = st.components.v2.component(
    "account",
    html="""
<div class="frame"><div class="account">
  <div class="languages" role="group"></div>
  <span class="who" role="group" hidden><span class="full"></span><span class="name"></span></span>
  <a class="in" href="/auth/login" target="_self" hidden></a>
  <form class="out" method="post" action="/auth/logout" target="_self" hidden><button type="submit"></button></form>
</div></div>
""",
    css="""
.account { display: flex; gap: .75rem; align-items: center; justify-content: flex-start; flex-wrap: wrap;
  font-family: var(--st-font); font-size: 1rem; color: var(--st-text-color); min-height: 50px; padding-inline: 5px; }
.frame { container-type: inline-size; }
.who .name { display: none; }
@container (max-width: 430px) {
  .account { flex-wrap: nowrap; gap: .5rem; }
  .who { min-width: 0; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
  .who .full { display: none; }
  .who .name { display: inline; }
}
.account.end { justify-content: flex-end; }
.account form { margin: 0; }
a, button { font: inherit; display: inline-block; padding: .45rem 1rem; border-radius: var(--st-button-radius);
  border: 1px solid var(--st-border-color); background: var(--st-background-color); color: var(--st-text-color);
  text-decoration: none; cursor: pointer; line-height: 1.4; }
.languages { display: flex; gap: .25rem; margin-inline-end: .5rem; }
.languages button { border-color: transparent; padding: .45rem .5rem; font-size: .9rem; background: none; }
.languages button[aria-pressed=true] { font-weight: 650; text-decoration: underline; text-underline-offset: .3em;
  text-decoration-thickness: 2px; text-decoration-color: var(--st-primary-color); }
a { background: var(--st-primary-color); border-color: var(--st-primary-color); color: #fff; font-weight: 600; }
a:hover, button:hover { filter: brightness(.94); }
a:focus-visible, button:focus-visible { outline: 3px solid var(--st-primary-color); outline-offset: 2px; }
[hidden] { display: none !important; }
""",
    js="""
export default function (component) {
  const { data, parentElement, setTriggerValue } = component
  const find = (selector) => parentElement.querySelector(selector)
  const signedIn = Boolean(data.who)
  find(".who").setAttribute("aria-label", data.who)
  find(".who .full").textContent = data.who
  find(".who .name").textContent = data.name
  find(".in").textContent = data.signIn
  find(".in").setAttribute("href", "/auth/login?next=" + data.next)
  find(".out button").textContent = data.signOut
  find(".who").hidden = !signedIn
  find(".out").hidden = !signedIn
  find(".in").hidden = signedIn
  find(".account").classList.toggle("end", data.end)
  document.documentElement.lang = data.language
  const languages = find(".languages")
  languages.setAttribute("aria-label", data.languageLabel)
  languages.replaceChildren(...data.languages.map(([code, name]) => {
    const button = document.createElement("button")
    button.type = "button"
    button.lang = code
    button.textContent = name
    button.setAttribute("aria-pressed", String(code === data.language))
    button.onclick = () => {
      document.cookie = data.cookie + "=" + code + "; path=/; max-age=31536000; samesite=lax"
      setTriggerValue("language", code)
    }
    return button
  }))
}
""",
)


def account(person: Person | None, *, back_to: str, key: str, end: bool = False) -> None:
    """Who is signed in and a way out, or a way in that leads back to the page ``back_to`` (a path)."""
    _ACCOUNT(
        data={
            "who": t("account.signed-in", username=person.username) if person else "",
            "name": person.username if person else "",
            "signIn": t("account.sign-in"),
            "signOut": t("account.sign-out"),
            "next": quote(back_to, safe=""),
            "end": end,
            "language": spoken(),
            "languageLabel": t("account.language"),
            "languages": list(LANGUAGES.items()),
            "cookie": language.COOKIE,
        },
        key=key,
        # One line, whatever the width, and there before it is drawn: nothing below it moves.
        height=HEIGHT,
        on_language_change=lambda: language.choose(str(getattr(st.session_state.get(key), "language", ""))),
    )
