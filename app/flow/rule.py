"""The rule that decides a step, as Vault holds it now: as written, filled in, and the same for somebody else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from app.claims import clock
from app.mcp_client import LABELS
from app.proof import Proof
from app.rules import DEFAULT_POLICY, PolicyLine, ServerRules
from app.texts import t, told_problem
from fastmcp_vault.errors import Problem
from fastmcp_vault.tracing import Step, Trace


@dataclass(frozen=True, slots=True)
class Rulebook:
    """What is shown beside a trace: each server's rules at Vault, or why they cannot be read; the name of somebody else
    (``other``), and what Vault answered when the person tried to read what is theirs, by server."""

    rules: Mapping[str, ServerRules | Problem] = field(default_factory=dict)
    other: str = ""
    proofs: Mapping[str, Proof] = field(default_factory=dict)


def rule(step: Step, trace: Trace, book: Rulebook) -> dict[str, Any] | None:
    """What decided the step at Vault; None where no rule of Vault's did."""
    rules = book.rules.get(step.server)
    if rules is None or step.kind not in {"credential", "vault-login"}:
        return None
    if isinstance(rules, Problem):
        return {"source": t("rule.unread", reason=told_problem(rules)), "lines": [], "text": ""}
    return _login(rules) if step.kind == "vault-login" else _path(step, trace, rules, book)


def path_of(step: Step) -> str:
    """The path in Vault that a credential step is about, as it was recorded."""
    asked = urlsplit(step.exchanges[-1].url).path.removeprefix("/v1/") if step.exchanges else ""
    return str(step.detail.get("vault_path") or asked)


def capture(server: str, trace: Trace, book: Rulebook) -> dict[str, Any] | None:
    """What this server could open if somebody else ran it, counted from its policies at Vault."""
    rules = book.rules.get(server)
    if not isinstance(rules, ServerRules) or not rules.lines:
        return None
    label, entity = LABELS.get(server, server), _entity(trace, server)
    read = [line for line in rules.lines if {"read", "list"} & set(line.capabilities)]
    personal = [line for line in read if line.personal]
    shared = [line for line in read if not line.personal]
    return {
        "title": t("capture.title", server=label),
        "lines": [
            *(
                t("capture.personal", path=line.filled(t("capture.whose")), may=_may(line), mine=line.filled(entity))
                for line in personal
            ),
            *(t("capture.shared", path=line.path, may=_may(line)) for line in shared),
            t("capture.nothing-else") if not shared else t("capture.of-all", count=len(shared)),
        ],
        "source": t(
            "capture.source",
            role=rules.role,
            read=t("capture.read") if any("/data/" in line.path for line in personal) else "",
            policies=", ".join(f"`{policy.name}`" for policy in rules.policies),
            azp=rules.claims.get("azp", ""),
            at=clock(rules.read_at),
        ).strip(),
    }


def _may(line: PolicyLine) -> str:
    return ", ".join(line.capabilities)


def _entity(trace: Trace, server: str) -> str:
    """The person's name at Vault, as this trace or its token says."""
    return str(trace.detail("entity", server).get("entity") or "…")


def _login(rules: ServerRules) -> dict[str, Any]:
    wanted = {
        "bound_audiences": ", ".join(rules.audiences),
        **{f"bound_claims.{n}": v for n, v in rules.claims.items()},
    }
    return {
        "source": t("rule.role", role=rules.role, at=clock(rules.read_at)),
        "lines": [{"written": f"{name} = {value}", "filled": "", "about": ""} for name, value in wanted.items()],
        "text": "",
    }


def _path(step: Step, trace: Trace, rules: ServerRules, book: Rulebook) -> dict[str, Any] | None:
    entity, path = _entity(trace, step.server), path_of(step)
    line = rules.deciding(path, entity)
    if line is None:
        return {"source": t("rule.none", path=path), "lines": [], "text": _whole(rules)}
    lines = [{"written": line.text, "filled": line.filled(entity), "about": t("rule.mine", entity=entity)}]
    found: dict[str, Any] = {
        "source": t("rule.policy", policy=line.policy, at=clock(rules.read_at)),
        "lines": lines,
        "text": _whole(rules),
    }
    if book.other and line.personal:
        theirs = line.filled(book.other)
        found["attempt"] = {
            "server": step.server,
            "title": t("rule.other", other=book.other),
            "filled": theirs,
            "about": t("rule.theirs", other=book.other),
            "label": t("rule.try", path=theirs),
            "proof": _proof(book.proofs.get(step.server), rules),
            # A step that failed is open at once; somebody else's path is not what it is about.
            "open": step.status != "failed" or step.server in book.proofs,
        }
    return found


def _whole(rules: ServerRules) -> str:
    return "\n".join(policy.text for policy in rules.policies if policy.name != DEFAULT_POLICY)


def _proof(proof: Proof | None, rules: ServerRules) -> dict[str, str] | None:
    if proof is None:
        return None
    opened = proof.status < 400
    return {
        "verdict": t(
            "rule.opened" if opened else "rule.refused", path=proof.path, status=proof.status, said=proof.said
        ),
        "status": "failed" if opened else "done",
        "about": t("rule.asked-as", policy=rules.person.name, at=clock(proof.at), id=proof.correlation_id),
    }
