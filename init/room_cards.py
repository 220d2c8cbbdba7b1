"""The cards of a room: one page of HTML to print and cut; a card for each table, its two accounts and a QR code."""

from __future__ import annotations

import html
from collections.abc import Sequence

import segno

from init.room import Entry, tables, with_others

_STYLE = """
@page { size: A4; margin: 10mm }
body { font: 10pt/1.35 system-ui, sans-serif; margin: 0; color: #111; background: #fff }
main { display: grid; grid-template-columns: 1fr 1fr; gap: 4mm }
section { border: 1px dashed #888; padding: 4mm; break-inside: avoid }
header { display: flex; justify-content: space-between; gap: 4mm }
h2 { font-size: 15pt; margin: 0 0 1mm }
svg { width: 27mm; height: 27mm; flex: none }
table { border-collapse: collapse; width: 100%; margin-top: 2mm }
td { border-top: 1px solid #ccc; padding: 1mm 0; vertical-align: top }
td:first-child { width: 34%; padding-right: 2mm }
code { font: 11pt ui-monospace, monospace; overflow-wrap: anywhere }
small { color: #444 }
p { margin: 0; overflow-wrap: anywhere }
"""


def page(entries: Sequence[Entry], address: str) -> str:
    """A card for each table of the room. ``address``: where people sign in.

    Both languages stand on each card: who draws one is not known yet.
    """
    known = {entry["username"]: entry for entry in entries}
    cards = []
    for entry in tables(entries):
        _, partner, _ = with_others(entries, entry["username"])
        cards.append(_card(entry, known[partner], address))
    title = "<title>Cards of the room</title>"
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><meta name="referrer" content="no-referrer">'
        f"{title}<style>{_STYLE}</style></head><body><main>{''.join(cards)}</main></body></html>\n"
    )


def _card(person: Entry, partner: Entry, address: str) -> str:
    name, shown = html.escape(person["username"]), html.escape(address)
    return (
        f"<section><header><div><h2>{name}</h2><p>Sign in · <span lang='ko'>로그인</span></p>"
        f"<p><code>{shown}</code></p></div>{_qr(address)}</header><table>"
        + _row(
            "You · <span lang='ko'>나</span>",
            person,
            "This password is good once: choose your own when you are asked."
            " The mock Jira and GitHub keep the one on this card."
            "<br><span lang='ko'>한 번만 쓰는 비밀번호입니다. 안내에 따라 새 비밀번호를 정하십시오."
            " 모의 Jira와 GitHub에서는 이 카드의 비밀번호를 계속 씁니다.</span>",
        )
        + _row(
            "Your partner, who plays bob<br><span lang='ko'>bob 역할의 짝</span>",
            partner,
            "For a private window. Leave this password as it is: the exercises sign in with it."
            "<br><span lang='ko'>시크릿 창에서 씁니다. 실습이 이 비밀번호로 로그인하므로 바꾸지 마십시오.</span>",
        )
        + "</table></section>"
    )


def _row(who: str, entry: Entry, note: str) -> str:
    name, password = html.escape(entry["username"]), html.escape(entry["password"])
    return f"<tr><td>{who}</td><td><code>{name}</code><br><code>{password}</code><br><small>{note}</small></td></tr>"


def _qr(address: str) -> str:
    drawn: str = segno.make(address, error="m", micro=False).svg_inline(border=2, omitsize=True)
    return drawn
