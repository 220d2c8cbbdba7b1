"""What pages need, imported before somebody looks: the first page stayed empty for seconds while it was imported."""

from __future__ import annotations

import asyncio
import gc
import importlib
import pkgutil

import httpx2
from streamlit.components.v2 import manifest_scanner
from streamlit.runtime.scriptrunner import magic_funcs

from app import actions, agents, approvals, audit, chatbot, compare, connect, my_secrets, room, texts, view, workshop
from app.lab import catalog, rows
from fastmcp_vault.backoff import Backoff
from fastmcp_vault.http import async_client

AT_ONCE = (
    *(actions, agents, approvals, audit, catalog, chatbot, compare, connect, my_secrets, room, rows, workshop),
    *(magic_funcs, manifest_scanner),
)
"""What the views are built on, and what Streamlit imports at its first run."""

TEXTS = [texts.catalogue(language) for language in texts.LANGUAGES]

LATER = ("pandas", "PIL.ImageFile", "streamlit.material_icon_names")
"""What the first icon or table needs: a second of work, which Keycloak's start can use better."""


async def when_answered(address: str) -> None:
    """Import the rest once ``address`` (the realm's) answers: until then nobody can sign in.

    The views are part of it: they register components with Streamlit's runtime, which has to be there.
    """
    backoff = Backoff(first=0.5, longest=2.0)
    async with async_client(timeout=2.0) as http:
        while True:
            if await _answers(http, address):
                break
            await asyncio.sleep(backoff.failed())
    views = [f"{view.__name__}.{module.name}" for module in pkgutil.iter_modules(view.__path__)]
    for name in (*LATER, *views):
        await asyncio.to_thread(importlib.import_module, name)
    gc.freeze()  # Streamlit collects after every run of a script: what stays for good is not looked through each time.


async def _answers(http: httpx2.AsyncClient, address: str) -> bool:
    try:
        return (await http.get(address)).is_success
    except httpx2.HTTPError:
        return False
