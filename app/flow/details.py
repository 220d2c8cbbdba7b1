"""Everything about one step, for the panel that opens below its arrow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.claims import clock, explained
from app.flow.arrows import message
from app.flow.hops import claims_of
from app.flow.parties import party
from app.flow.standards import linked
from app.texts import t, told
from fastmcp_vault.sentences import Sentence
from fastmcp_vault.tracing import Exchange, Step
from fastmcp_vault.tracing.export import as_curl

_SAID_ELSEWHERE = {"claims", "confirmed_at", "confirmed_every", "holds"}
_CARD = ("user_id", "username", "email", "entity", "vault_path", "masked_credential", "credential_version")


def details(step: Step, credential: Mapping[str, Any] | None) -> dict[str, Any]:
    """The step as the component shows it; ``credential`` is what its server says of the person's credential."""
    return {
        "number": step.number,
        "id": step.kind,
        "server": step.server,
        "title": title(step),
        "status": step.status,
        "word": t(f"trace.{step.status}"),
        "sentence": sentence(step),
        "fix": t("trace.fix", fix=told(Sentence.read(step.fix, step.words.get("fix")))) if step.fix else "",
        "why": t(f"registry.{step.kind}.why"),
        "standard": linked(step.about.standard),
        "times": times(step),
        "until": step.until,
        "facts": _facts(step, credential),
        "claims": explained(claims_of(step)),
        "exchanges": [_exchange(exchange) for exchange in step.exchanges],
        "raw": step.model_dump(mode="json", exclude_defaults=True),
    }


def title(step: Step) -> str:
    """The step's title in the reader's language; a credential that Vault made on demand was not read."""
    if step.kind == "credential" and step.detail.get("made_at"):
        return t("flow.made")
    return t(f"registry.{step.kind}.title")


def sentence(step: Step) -> str:
    """One sentence on what happened: the error where it failed, else what was said, else why the step is there."""
    said = step.error if step.status == "failed" else step.sentence
    form = step.words.get("error" if step.status == "failed" else "sentence")
    return told(Sentence.read(said, form)) or t(f"registry.{step.kind}.why")


def times(step: Step) -> str:
    """Who speaks to whom, and how long it took or since when it is reused."""
    parts = [f"{party(step.about.source, step.server)} → {party(step.about.target, step.server)}"]
    if step.status == "reused" and step.since is not None:
        since = clock(step.since)
        parts.append(
            t("trace.since", since=since)
            if step.until is None
            else t("trace.since-until", since=since, until=clock(step.until))
        )
    elif step.status != "skipped":
        parts.append(t("trace.took", duration=f"{step.duration_ms:.0f}"))
    return " · ".join(parts)


def _facts(step: Step, credential: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    """Small facts by name: those of the step, and for the credential step what its server says of it."""
    found = {name: value for name, value in step.detail.items() if name not in _SAID_ELSEWHERE}
    if step.kind != "credential":
        return [(name, _said(value)) for name, value in found.items()]
    merged = {**(credential or {}), **found} if step.status != "skipped" else {}
    return [(t(f"card.{name}"), _said(merged[name])) for name in _CARD if merged.get(name) not in (None, "")]


def _said(value: Any) -> str:
    if isinstance(value, Mapping):
        return " · ".join(f"{name}={_said(item)}" for name, item in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(_said, value))
    return str(value)


def _exchange(exchange: Exchange) -> dict[str, Any]:
    """What goes beside an exchange's record, which ``raw`` holds."""
    return {
        "message": message(exchange),
        "ms": t("trace.took", duration=f"{exchange.duration_ms:.0f}") if exchange.duration_ms is not None else "",
        "error": t("trace.no-response", error=exchange.error) if exchange.error else "",
        "curl": as_curl(exchange),
    }
