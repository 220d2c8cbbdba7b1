"""What the list of services says of one: how it is started, what it is given, and what it needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class Service:
    """One service. ``program`` names a server made by others; ``module`` is ``python -m`` and its arguments."""

    name: str
    title: str
    """As people read it; `stack.instance.title` adds which program Vault is."""
    program: Literal["postgres", "openbao", "keycloak", "prometheus", "zipkin"] | None = None
    module: tuple[str, ...] = ()
    ports: tuple[str, ...] = ()
    """Names in ``stack.services.PORTS``; the first one answers ``health``."""
    metrics: str = ""
    """The name of its port for Prometheus, which listens only where metrics are asked for."""
    tls: frozenset[str] = frozenset()
    """Those of its ports that speak TLS, with a certificate of this instance's own authority."""
    health: str = "/health"
    env: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    """Environment variables that hold a secret: what this process gets, and no other secret."""
    takes: tuple[str, ...] = ()
    """Settings that this service takes from the caller's own environment, beside ``OVERRIDABLE``."""
    uses: tuple[str, ...] = ()
    """What it needs while it runs; it stops before these do."""
    waits: bool = False
    """Starts only when everything it uses is ready; the others start at once and wait by themselves."""
    one_shot: bool = False
    """Runs to its end once per start, instead of serving."""
    optional: bool = False
    """Starts only where it is asked for."""
    opens: str = ""
    """The address to show to people, a template."""
