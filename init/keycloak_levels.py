"""Levels of authentication at Keycloak (``acr``): the flow by which the app's people sign in, and step up.

Keycloak's server administration guide, "Creating a browser login flow with step-up mechanism". The flow and the names
are bound to the app's client: whoever signs in at another one does so as before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from fastmcp_vault.levels import LEVELS
from init.keycloak_admin import RealmAdmin
from init.ledger import Ledger

PART: Final = "keycloak"
FLOW: Final = "mcp-levels"

_SESSION_SECONDS = 36_000
"""How long the first level stays reached: longer than any session."""

_Requirement = Literal["REQUIRED", "ALTERNATIVE", "CONDITIONAL"]


@dataclass(frozen=True, slots=True)
class LevelStep:
    """One execution of a flow: an authenticator of Keycloak's by its id, or, with ``steps``, a sub-flow by its name."""

    name: str
    requirement: _Requirement = "REQUIRED"
    config: Mapping[str, str] = field(default_factory=dict)
    steps: Sequence[LevelStep] = ()


def _level(acr: str, *steps: LevelStep, seconds: int = 0) -> LevelStep:
    """A level of the flow. With 0 ``seconds`` it holds for the one request that asked for it."""
    at = {"loa-condition-level": str(LEVELS.index(acr) + 1), "loa-max-age": str(seconds)}
    condition = LevelStep("conditional-level-of-authentication", config=at)
    # The last lets in whom nothing had to be asked: Keycloak refuses whoever comes through a sub-flow without a step.
    return LevelStep(f"{FLOW}-{acr}", "CONDITIONAL", steps=(condition, *steps, LevelStep("allow-access-authenticator")))


def _unless_just_given(credential: str, name: str, form: str) -> LevelStep:
    """Ask for a credential, unless it was given already in this very request."""
    condition = LevelStep("conditional-credential", config={"credentials": credential, "included": "false"})
    return LevelStep(f"{FLOW}-{name}", "CONDITIONAL", steps=(condition, LevelStep(form)))


_STEPS: Final = (
    LevelStep("auth-cookie", "ALTERNATIVE"),
    LevelStep("identity-provider-redirector", "ALTERNATIVE"),
    LevelStep(
        f"{FLOW}-forms",
        "ALTERNATIVE",
        steps=(
            _level(
                "password",
                LevelStep("auth-username-password-form"),
                # As in Keycloak's own flow: who has a one-time code is asked for it at every sign-in.
                LevelStep(
                    f"{FLOW}-own-code",
                    "CONDITIONAL",
                    steps=(LevelStep("conditional-user-configured"), LevelStep("auth-otp-form")),
                ),
                seconds=_SESSION_SECONDS,
            ),
            _level("confirmed", _unless_just_given("password", "password-again", "auth-password-form")),
            # Who has no code yet is made to set one up, after the password.
            _level("two-factor", _unless_just_given("otp", "code", "auth-otp-form")),
        ),
    ),
)


def with_realm() -> dict[str, Any]:
    """The flow as a new realm's representation has it: one call makes both, where the flow alone would take thirty."""
    return {
        "authenticationFlows": [
            {
                "alias": alias,
                "providerId": "basic-flow",
                "topLevel": alias == FLOW,
                "builtIn": False,
                "authenticationExecutions": [_execution(alias, step, number) for number, step in enumerate(steps)],
            }
            for alias, steps in _flows(FLOW, _STEPS)
        ],
        "authenticatorConfig": [
            {"alias": _config(alias), "config": dict(step.config)}
            for alias, steps in _flows(FLOW, _STEPS)
            for step in steps
            if step.config
        ],
    }


def _execution(alias: str, step: LevelStep, number: int) -> dict[str, Any]:
    which = {"flowAlias" if step.steps else "authenticator": step.name}
    config = {"authenticatorConfig": _config(alias)} if step.config else {}
    plain = {"requirement": step.requirement, "priority": number, "authenticatorFlow": bool(step.steps)}
    return plain | which | config


def provision(keycloak: RealmAdmin, realm: str, ledger: Ledger, *, new: bool = False) -> str:
    """Bring the flow to what is wanted in the realm at ``realm`` (a path); its id, empty while it is only planned.

    ``new``: the realm was made a moment ago, :func:`with_realm`. Raises KeycloakUnavailable, KeycloakRefused.
    """
    path = f"{realm}/authentication"
    made = next((str(flow["id"]) for flow in keycloak.get(f"{path}/flows") if flow["alias"] == FLOW), "")
    same = bool(made) and _found(keycloak, path) == list(_wanted(_STEPS))
    exists = bool(made) and not new

    def act() -> None:
        nonlocal made
        if same:
            return
        if made:
            _unbind(keycloak, realm, made)
            keycloak.delete(f"{path}/flows/{made}")
        made = _make(keycloak, path)

    ledger.settle(PART, "sign-in flow", FLOW, exists=exists, equal=same, act=act, note="steps" if exists else "")
    return made


_Row = tuple[int, str, str, dict[str, str]]
"""A step as a flow's listing has it: depth, name, requirement, configuration."""


def _wanted(steps: Sequence[LevelStep], depth: int = 0) -> Iterator[_Row]:
    for step in steps:
        yield depth, step.name, step.requirement, dict(step.config)
        yield from _wanted(step.steps, depth + 1)


def _flows(alias: str, steps: Sequence[LevelStep]) -> Iterator[tuple[str, Sequence[LevelStep]]]:
    """The flow and each of its sub-flows, by name."""
    yield alias, steps
    for step in steps:
        if step.steps:
            yield from _flows(step.name, step.steps)


def _config(alias: str) -> str:
    """The name of the one configuration in a sub-flow."""
    return f"{alias}-config"


def _found(keycloak: RealmAdmin, path: str) -> list[_Row]:
    rows = []
    for row in keycloak.get(f"{path}/flows/{FLOW}/executions"):
        known = row.get("authenticationConfig")
        settings = (keycloak.get(f"{path}/config/{known}") or {}).get("config", {}) if known else {}
        name = row["displayName"] if row.get("authenticationFlow") else row["providerId"]
        rows.append((row["level"], name, row["requirement"], dict(settings)))
    return rows


def _unbind(keycloak: RealmAdmin, realm: str, flow: str) -> None:
    """Keycloak keeps a flow that a client uses; until it is bound again, people sign in without levels."""
    for client in keycloak.get(f"{realm}/clients", max=1000):
        if client.get("authenticationFlowBindingOverrides", {}).get("browser") == flow:
            keycloak.put(
                f"{realm}/clients/{client['id']}", client | {"authenticationFlowBindingOverrides": {"browser": ""}}
            )


def _make(keycloak: RealmAdmin, path: str) -> str:
    flow = {"alias": FLOW, "description": "Sign in, and step up", "providerId": "basic-flow", "topLevel": True}
    top = keycloak.post(f"{path}/flows", flow | {"builtIn": False})
    _fill(keycloak, path, FLOW, top, _STEPS)
    requirements = {name: requirement for _, name, requirement, _ in _wanted(_STEPS)}
    # Keycloak makes a sub-flow disabled: until all are as they should be, the flow lets nobody in by a form.
    for row in keycloak.get(f"{path}/flows/{FLOW}/executions"):
        if row.get("authenticationFlow"):
            wanted = row | {"requirement": requirements[row["displayName"]]}
            keycloak.put(f"{path}/flows/{FLOW}/executions", wanted)
    return top


def _fill(keycloak: RealmAdmin, path: str, alias: str, flow: str, steps: Sequence[LevelStep]) -> None:
    for step in steps:
        if step.steps:
            sub = {"alias": step.name, "type": "basic-flow", "description": ""}
            made = keycloak.post(f"{path}/flows/{alias}/executions/flow", sub)
            _fill(keycloak, path, step.name, made, step.steps)
            continue
        execution = {"parentFlow": flow, "requirement": step.requirement, "authenticator": step.name}
        made = keycloak.post(f"{path}/executions", execution)
        if step.config:
            config = {"alias": _config(alias), "config": dict(step.config)}
            keycloak.post(f"{path}/executions/{made}/config", config)
