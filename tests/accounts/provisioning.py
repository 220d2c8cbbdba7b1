"""What `./demo init` reads at the stack, for tests that do a part of it."""

from __future__ import annotations

from init.settings import InitSettings
from stack.testing import Stack


def init_settings(stack: Stack) -> InitSettings:
    """Its settings."""
    environment = stack.environment("init")
    fields = {name.lower(): value for name, value in environment.items() if name.lower() in InitSettings.model_fields}
    return InitSettings(**fields)  # type: ignore[arg-type]
