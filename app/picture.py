"""The picture of the parts, the three tokens and the seven steps, as SVG: for the page and for the documents."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any, Final

from app.texts import t

WIDTH = 1000


@dataclass(frozen=True, slots=True)
class PartBox:
    """A part: its upper left corner. All are 160 by 64."""

    x: int
    y: int


@dataclass(frozen=True, slots=True)
class Way:
    """A step's arrows, where its number and its caption stand, the token that it carries, and the part that acts."""

    paths: tuple[str, ...]
    badge: tuple[int, int]
    caption: tuple[int, int, str]
    token: str = ""
    acts: str = "mcp"


@dataclass(frozen=True, slots=True)
class Scene:
    """Who talks to whom: parts by name, and ways by the number of their step. ``words``: the key of its sentences."""

    words: str
    height: int
    boxes: Mapping[str, PartBox]
    ways: Mapping[int, Way]


CALL: Final = Scene(
    "way",
    424,
    {
        "browser": PartBox(20, 180),
        "app": PartBox(235, 180),
        "keycloak": PartBox(420, 16),
        "mcp": PartBox(540, 180),
        "vault": PartBox(540, 344),
        "backend": PartBox(820, 180),
    },
    {
        1: Way(
            ("M100,180 C100,90 230,48 420,48", "M420,66 C350,80 305,120 300,180"),
            (160, 96),
            (14, 62, "start"),
            "login",
            "browser",
        ),
        2: Way(("M285,244 C270,300 360,300 345,244",), (315, 286), (315, 316, "middle"), "login", "app"),
        3: Way(
            ("M345,180 C360,130 400,100 445,80", "M395,212 L540,212"), (467, 212), (467, 196, "middle"), "server", "app"
        ),
        4: Way(("M605,180 C600,130 580,105 555,80",), (597, 130), (616, 135, "start"), "vault"),
        5: Way(("M590,244 L590,344",), (590, 294), (570, 298, "end"), "vault"),
        6: Way(("M650,344 L650,244",), (650, 294), (672, 298, "start")),
        7: Way(("M700,212 L820,212",), (760, 212), (760, 196, "middle")),
    },
)
"""A tool call: the seven steps of the trace."""

AGENTS: Final = Scene(
    "agents",
    240,
    {"agent": PartBox(20, 90), "vault": PartBox(420, 10), "auth": PartBox(420, 160), "service": PartBox(820, 90)},
    {
        1: Way(("M180,110 C260,70 330,45 420,42",), (290, 64), (276, 40, "end"), "login", "agent"),
        2: Way(("M180,134 C260,175 330,192 420,192",), (290, 178), (276, 210, "end"), "server", "agent"),
        3: Way(("M180,122 L820,122",), (630, 122), (630, 106, "middle"), "server", "agent"),
    },
)
"""A program with a certificate."""

RELAY: Final = Scene(
    "relay",
    330,
    {
        "chatbot": PartBox(20, 120),
        "relay": PartBox(420, 120),
        "browser": PartBox(420, 10),
        "keycloak": PartBox(820, 120),
        "vault": PartBox(20, 250),
    },
    {
        1: Way(("M180,140 L420,140",), (300, 140), (300, 124, "middle"), "", "chatbot"),
        2: Way(("M500,74 L500,120",), (500, 97), (520, 101, "start"), "", "browser"),
        3: Way(
            ("M580,42 C720,42 880,60 900,120", "M820,152 L580,152"),
            (700, 152),
            (700, 180, "middle"),
            "login",
            "browser",
        ),
        4: Way(("M420,166 L180,166",), (300, 166), (300, 196, "middle"), "login", "relay"),
        5: Way(("M100,184 L100,250",), (100, 217), (120, 221, "start"), "vault", "chatbot"),
    },
)
"""A chatbot that signs its users in by a link."""

TOKENS: Final = ("login", "server", "vault")
TOLD: Final = ("cookie", "login", "id", "refresh", "server", "vault", "own", "app")
"""Every token that there is, the ones that nobody carries along an arrow too."""
FACTS: Final = ("issued", "accepted", "dies")
SAYS: Final = ("acts", "checked", "out")

PLAIN: Final = (
    "svg{--ink:#1f2937;--box:#f3f4f6;--edge:#9ca3af;--quiet:#4b5563;--login:#1d4ed8;--server:#047857;--vault:#7c3aed;"
    "--bad:#b91c1c;--paper:#fff;font-family:system-ui,sans-serif}"
    "@media(prefers-color-scheme:dark){svg{--ink:#e5e7eb;--box:#1f2937;--edge:#6b7280;--quiet:#9ca3af;--login:#93c5fd;"
    "--server:#6ee7b7;--vault:#c4b5fd;--bad:#fca5a5;--paper:#0d1117}}"
)
"""Colours of a picture that stands alone."""

SHAPES: Final = (
    ".box{fill:var(--box);stroke:var(--edge);stroke-width:1.5}.name{fill:var(--ink);font-size:17px;font-weight:650}"
    ".role{fill:var(--quiet);font-size:12.5px}.way path{fill:none;stroke:var(--tone,var(--edge));stroke-width:2.5}"
    ".way circle{fill:var(--tone,var(--quiet))}.way .no{fill:var(--paper);font-size:15px;font-weight:700}"
    ".way .said{fill:var(--ink);font-size:13.5px}.head{fill:var(--tone,var(--edge))}"
    ".t-login{--tone:var(--login)}.t-server{--tone:var(--server)}.t-vault{--tone:var(--vault)}"
    ".s-skipped path{stroke-dasharray:2 6;opacity:.6}.s-failed{--tone:var(--bad)}"
    ".down .box{stroke:var(--bad);stroke-dasharray:6 4}.down .role{fill:var(--bad);font-weight:650}"
)
"""How parts and ways look, from the colours."""


def svg(
    scene: Scene = CALL, *, states: Mapping[int, str] | None = None, down: Collection[str] = (), style: str = ""
) -> str:
    """The picture in the page's language. ``states``: what became of each step; ``down``: parts that do not answer."""
    body = [*_parts(scene, down), *_ways(scene, states or {})]
    about = escape(t(f"picture.{scene.words}.about"), quote=True)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {scene.height}" role="img"'
        f' aria-label="{about}">'
        f"<style>{style}{SHAPES}</style>{_heads()}{''.join(body)}</svg>"
    )


def _heads() -> str:
    marks = (
        f'<marker id="head-{token or "none"}" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="15" markerHeight="15"'
        f' markerUnits="userSpaceOnUse" orient="auto"><path class="head t-{token}" d="M0,0 L10,5 L0,10 z"/></marker>'
        for token in ("", *TOKENS)
    )
    return f"<defs>{''.join(marks)}</defs>"


def _parts(scene: Scene, down: Collection[str]) -> Iterator[str]:
    for name, box in scene.boxes.items():
        away = name in down
        role = t("picture.down") if away else t(f"picture.part.{name}.role")
        middle, title = box.x + 80, t(f"picture.part.{name}")
        yield (
            f'<g class="part{" down" if away else ""}" data-part="{name}">'
            f'<rect class="box" x="{box.x}" y="{box.y}" width="160" height="64" rx="10"/>'
            f'<text class="name" x="{middle}" y="{box.y + 28}" text-anchor="middle">{escape(title)}</text>'
            f'<text class="role" x="{middle}" y="{box.y + 49}" text-anchor="middle">{escape(role)}</text></g>'
        )


def _ways(scene: Scene, states: Mapping[int, str]) -> Iterator[str]:
    for number, way in scene.ways.items():
        x, y, anchor = way.caption
        said = escape(t(f"picture.{scene.words}.{number}"))
        classes = " ".join(
            filter(None, ("way", way.token and f"t-{way.token}", f"s-{states[number]}" if number in states else ""))
        )
        head = f"url(#head-{way.token or 'none'})"
        lines = "".join(f'<path d="{path}" marker-end="{head}"/>' for path in way.paths)
        yield (
            f'<g class="{classes}" data-step="{number}">{lines}'
            f'<circle cx="{way.badge[0]}" cy="{way.badge[1]}" r="13"/>'
            f'<text class="no" x="{way.badge[0]}" y="{way.badge[1] + 5}" text-anchor="middle">{number}</text>'
            f'<text class="said" x="{x}" y="{y}" text-anchor="{anchor}">{said}</text></g>'
        )


def steps() -> list[dict[str, Any]]:
    """The seven steps: who acts, what is checked, what comes out."""
    return [
        {"number": number, "part": way.acts, "title": t(f"picture.step.{number}.title")}
        | {say: t(f"picture.step.{number}.{say}") for say in SAYS}
        for number, way in CALL.ways.items()
    ]


def tokens() -> list[dict[str, str]]:
    """Every token: who issues it, who alone accepts it, when it dies."""
    return [
        {"id": token, "title": t(f"picture.token.{token}")}
        | {fact: t(f"picture.token.{token}.{fact}") for fact in FACTS}
        for token in TOLD
    ]
