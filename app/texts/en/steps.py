"""The steps' titles and reasons, in English: the registry's own words."""

from __future__ import annotations

from fastmcp_vault.tracing import STEPS

TEXTS: dict[str, str] = {
    key: text
    for kind in STEPS.values()
    for key, text in ((f"registry.{kind.id}.title", kind.title), (f"registry.{kind.id}.why", kind.why))
}
