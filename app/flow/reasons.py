"""Why a step went as it did: what was checked, by whom, on which value, and what came out; from that step's own record.

A sentence is made only where every value in it was recorded; a step that recorded less says less.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

from app.claims import clock
from app.flow.hops import claims_of
from app.flow.parties import party
from app.texts import has, t, told
from fastmcp_vault.sentences import Sentence
from fastmcp_vault.tracing import Step, Trace


@dataclass(frozen=True, slots=True)
class Reason:
    """``checked`` and ``out`` are sentences, with values between backticks; ``stops``: what goes no further here."""

    checked: str = ""
    out: str = ""
    stops: str = ""


def reason(step: Step, trace: Trace) -> Reason:
    """The reason of a step that was done, and what a reused one gives; others have their own (:func:`instead`)."""
    if step.status not in {"done", "reused"}:
        return _empty(step, trace)
    if step.status == "reused" and step.kind in _TRADED:
        return Reason()  # The token that a login was made with is over long before the login.
    found = _FACTS.get(step.kind, _nothing)(step, trace)
    known = {name: value for name, value in found.items() if value not in (None, "")}
    checker = step.about.target
    values = {"by": party(checker, step.server), **known}
    if step.status == "reused":
        return Reason(out=_sentence(step.kind, "out", values))  # Nothing was checked now.
    said = Reason(*(_sentence(step.kind, part, values) for part in ("checked", "out", "stops")))
    return (
        said
        if said.out
        else Reason(said.checked, told(Sentence.read(step.sentence, step.words.get("sentence"))), said.stops)
    )


def instead(step: Step, trace: Trace) -> str:
    """Why a step failed or was skipped; where nothing is known, what the step said of itself."""
    if step.status == "failed":
        return told(Sentence.read(step.error, step.words.get("error")))
    if step.status != "skipped":
        return ""
    before = [one for one in trace.steps if one.server in (step.server, "")]
    failed = next((one for one in before if one.status == "failed"), None)
    if failed is not None:
        return t("skipped.failed", number=failed.number, title=t(f"registry.{failed.kind}.title"))
    return t(f"skipped.{step.code}") if has(f"skipped.{step.code}") else step.sentence


def kept(step: Step) -> dict[str, Any] | None:
    """Of a reused step: since when it is kept, until when or which event, and where it is checked again.

    A token that a login was made with has its own end, which is not recorded: the login's end is told at the login.
    """
    if step.status != "reused":
        return None
    until = None if step.kind in _TRADED else step.until
    again = [t("kept.ahead")] if step.detail.get("made_ahead") else []
    again += [t(f"kept.{step.kind}")] if has(f"kept.{step.kind}") else []
    confirmed, every = step.detail.get("confirmed_at"), step.detail.get("confirmed_every")
    if isinstance(confirmed, int | float) and isinstance(every, int | float):
        again.append(t("kept.confirmed", at=clock(confirmed), every=f"{every:.0f}"))
    return {
        "since": t("kept.since", since=clock(step.since)) if step.since is not None else "",
        "until": until,
        "at": t("kept.until", until=clock(until)) if until is not None else "",
        "again": " ".join(again),
    }


def reuse(trace: Trace, server: str) -> dict[str, Any] | None:
    """Why what was kept is safe to use again in this call, and until when, as a whole; None where nothing was kept."""
    kept_steps = [one for kind in ("vault-login", "credential") if (one := trace.find(kind, server)) is not None]
    ends = [one.until for one in kept_steps if one.status == "reused" and one.until is not None]
    caller, held = claims_of(trace.find("bearer-check", server)), trace.detail("credential", server)
    if not ends or not caller:
        return None
    values = {
        "by": party("mcp", server),
        "username": caller.get("preferred_username"),
        "sub": caller.get("sub"),
        "sid": caller.get("sid"),
        "until": _clock(min(ends)),
        "at": _clock(held.get("confirmed_at")),
        "every": held.get("confirmed_every"),
        "version": held.get("version"),
        "user": held.get("database_user"),
    }
    known = {name: value for name, value in values.items() if value}
    lines = [_sentence("reuse", part, known) for part in ("whose", "checked", "stored", "made", "ends")]
    return {"title": t("reason.reuse.title"), "lines": [line for line in lines if line]}


def lifetime(claims: Mapping[str, Any]) -> str:
    """A token's whole life in words."""
    made, ends = claims.get("iat"), claims.get("exp")
    return duration(ends - made) if isinstance(made, int | float) and isinstance(ends, int | float) else ""


def duration(seconds: float) -> str:
    """Seconds as people say them: 5 min, 45 s."""
    whole = round(seconds)
    minutes, rest = divmod(whole, 60)
    return t("duration.minutes", count=minutes) if minutes and not rest else t("duration.seconds", count=whole)


def _sentence(kind: str, part: str, values: Mapping[str, Any]) -> str:
    """The sentence of the catalogue, if every value that it holds is known."""
    key = f"reason.{kind}.{part}"
    if not has(key):
        return ""
    try:
        return t(key, **values)
    except KeyError:
        return ""


def _empty(step: Step, trace: Trace) -> Reason:
    """Of a credential's path that opened and held nothing: no refusal."""
    last = step.exchanges[-1] if step.exchanges else None
    if step.kind != "credential" or last is None or last.status != 404:
        return Reason()
    path = step.detail.get("vault_path") or urlsplit(last.url).path.removeprefix("/v1/")
    values = {"by": party("vault", step.server), "path": path, **_entity_of(step, trace)}
    return Reason(_sentence("credential", "empty", values))


def _entity_of(step: Step, trace: Trace) -> dict[str, Any]:
    """Whom Vault takes the caller of this step's server for, where that is known."""
    entity = trace.detail("entity", step.server).get("entity")
    return {"entity": entity} if entity else {}


def _nothing(_: Step, __: Trace) -> dict[str, Any]:
    return {}


def _login(step: Step, _: Trace) -> dict[str, Any]:
    asked = parse_qs(urlsplit(str(step.detail.get("browser_was_sent_to", ""))).query)
    method = (asked.get("code_challenge_method") or [""])[0]
    return {"method": method, "scope": step.detail.get("scope_granted"), "until": _clock(step.until)}


def _token(step: Step, _: Trace) -> dict[str, Any]:
    claims = claims_of(step)
    names = ("iss", "azp", "sub", "scope", "sid")
    return {
        **{name: claims.get(name) for name in names},
        "aud": _said(claims.get("aud")),
        "username": claims.get("preferred_username"),
        "exp": _clock(claims.get("exp")),
        "life": lifetime(claims),
    }


def _checked(step: Step, trace: Trace) -> dict[str, Any]:
    return {**_token(step, trace), "demanded": f"mcp:{step.server}"}


def _request(step: Step, _: Trace) -> dict[str, Any]:
    last = step.exchanges[-1] if step.exchanges else None
    return {
        "audience": f"mcp-{step.server}",
        "status": last.status if last else None,
        "life": f"{step.duration_ms:.0f}",
    }


def _exchange(step: Step, trace: Trace) -> dict[str, Any]:
    """The token that came in was recorded where it was checked."""
    received = claims_of(trace.find("bearer-check", step.server))
    return {**_token(step, trace), "received": _said(received.get("aud"))}


def _vault_login(step: Step, trace: Trace) -> dict[str, Any]:
    """What Vault checked is in the token that was sent to it."""
    sent = next((claims_of(found) for kind in _TRADED if (found := trace.find(kind, step.server))), {})
    policies = step.detail.get("policies") or ()
    return {
        "aud": _said(sent.get("aud")),
        "azp": sent.get("azp"),
        "role": step.detail.get("role"),
        "policies": ", ".join(f"`{name}`" for name in policies),
        "life": duration(step.until - step.started_at) if step.until is not None else "",
    }


_TRADED = ("token-exchange", "person-exchange")
"""Steps that make the token of a login at Vault."""


def _entity(step: Step, _: Trace) -> dict[str, Any]:
    return {name: step.detail.get(name) for name in ("user_id", "entity", "entity_id")}


def _credential(step: Step, trace: Trace) -> dict[str, Any]:
    found = step.detail
    made = found.get("made_at")
    return {
        "path": found.get("vault_path"),
        **_entity_of(step, trace),
        "came": t("reason.credential.connected", account=found.get("account"), at=_clock(found.get("written_at")))
        if found.get("account")
        else t("reason.credential.made", user=found.get("database_user"), at=_clock(made), until=_clock(step.until))
        if made and step.until is not None
        else t("reason.credential.stored", version=found.get("version"), written=_clock(found.get("written_at")))
        if found.get("version")
        else None,
    }


def _confirmed(step: Step, _: Trace) -> dict[str, Any]:
    holds = step.detail.get("holds")
    said = t("reason.credential-check.holds") if holds else t("reason.credential-check.changed")
    return {} if holds is None else {"came": said}


def _backend(step: Step, trace: Trace) -> dict[str, Any]:
    last = step.exchanges[-1] if step.exchanges else None
    rows = step.detail.get("rows")
    return {
        "who": trace.detail("credential", step.server).get("masked_credential"),
        "came": t("reason.backend.http", status=last.status)
        if last and last.status
        else t("reason.backend.rows", rows=rows)
        if rows is not None
        else None,
    }


_FACTS: Mapping[str, Callable[[Step, Trace], dict[str, Any]]] = {
    "login": _login,
    "jwt": _token,
    "server-token": _token,
    "mcp-request": _request,
    "bearer-check": _checked,
    "token-exchange": _exchange,
    "person-exchange": _exchange,
    "vault-login": _vault_login,
    "person-login": _vault_login,
    "entity": _entity,
    "person-entity": _entity,
    "credential": _credential,
    "credential-check": _confirmed,
    "backend": _backend,
}


def _clock(moment: Any) -> str | None:
    return clock(moment) if isinstance(moment, int | float) and moment else None


def _said(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value or "")
