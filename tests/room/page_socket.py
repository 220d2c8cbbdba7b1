"""A browser tab without a screen: speaks Streamlit's web socket, keeps what is drawn, fills in and presses."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

ENDED = {ForwardMsg.FINISHED_SUCCESSFULLY, ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY}

PATIENCE = 180.0
"""Seconds for a run: the cut of the network lies within."""


@dataclass
class PageSocket:
    """One tab of one person. ``ran``: seconds of every run of a page, by what was asked for."""

    origin: str
    cookie: str
    trust: ssl.SSLContext
    ran: list[tuple[str, float]] = field(default_factory=list)
    page: str = ""
    lost: int = 0
    """Connections that ended by themselves."""
    _socket: ClientConnection | None = None
    _drawn: dict[tuple[int, ...], tuple[Any, str]] = field(default_factory=dict)
    _values: dict[str, WidgetState] = field(default_factory=dict)
    _messages: dict[str, ForwardMsg] = field(default_factory=dict)
    _hash: str = ""

    async def open(self, page: str) -> None:
        """Connect, and show a page by its path without the slash."""
        await self.close()
        self._socket = await connect(
            f"{self.origin.replace('https', 'wss')}/_stcore/stream",
            ssl=self.trust,
            origin=self.origin,  # type: ignore[arg-type]
            subprotocols=[Subprotocol("streamlit"), Subprotocol("none")],
            additional_headers={"Cookie": self.cookie, "Accept-Language": "en"},
            max_size=None,
            ping_interval=None,
            open_timeout=PATIENCE,
            proxy=None,
        )
        self._values, self._messages, self._hash = {}, {}, ""
        await self.go(page)

    async def close(self) -> None:
        """Close the tab."""
        if self._socket is not None:
            await self._socket.close()
            self._socket = None

    async def go(self, page: str) -> None:
        """Show another page in the same session."""
        self.page = page
        self._values = {}
        await self._run("open", page_name=page)

    async def press(self, key: str, **typed: str) -> None:
        """Press the button with this key, after filling in widgets by their keys (radios by their text).

        A connection that the network's loss has ended is made anew, as browsers do, and the button pressed once more.
        """
        try:
            await self._press(key, typed)
        except ConnectionClosed:
            self.lost += 1
            known = len(self.ran)
            await self.open(self.page)
            del self.ran[known:]  # It waited for the network to come back.
            await self._press(key, typed)

    async def _press(self, key: str, typed: Mapping[str, str]) -> None:
        for name, value in typed.items():
            self._put(name, value)
        button, fragment = self._found(key)
        pressed = WidgetState(id=button.id, trigger_value=True)
        await self._run("press", pressed, fragment_id=fragment)

    async def tick(self, key: str) -> None:
        """Tick a checkbox."""
        box, fragment = self._found(key)
        self._values[key] = WidgetState(id=box.id, bool_value=True)
        await self._run("open", fragment_id=fragment)

    def fill(self, key: str, value: str) -> None:
        """Fill in a widget; sent with the next press."""
        self._put(key, value)

    def offers(self, begins: str, option: str) -> bool:
        """Whether a select box, whose key begins so, offers an option with these words."""
        return self._box(begins, option) is not None

    async def choose(self, begins: str, option: str) -> None:
        """Choose the first such option."""
        found = self._box(begins, option)
        assert found is not None, f"{self.page}: nobody offers {option}"
        box, chosen, fragment = found
        self._values[begins] = WidgetState(id=box.id, string_value=chosen)
        await self._run("open", fragment_id=fragment)

    def _box(self, begins: str, option: str) -> tuple[Any, str, str] | None:
        for element, fragment in self._drawn.values():
            if element.WhichOneof("type") == "selectbox" and f"-{begins}" in element.selectbox.id:
                for offered in element.selectbox.options:
                    if option in offered:
                        return element.selectbox, offered, fragment
        return None

    def words(self) -> str:
        """Everything that is drawn, as text."""
        return "\n".join(str(element) for element, _ in self._drawn.values())

    def has(self, key: str) -> bool:
        """Whether a widget with this key is drawn."""
        return any(True for _ in self._with(key))

    def _put(self, key: str, value: str) -> None:
        widget, _ = self._found(key)
        chosen = next((option for option in getattr(widget, "options", ()) if value in option), value)
        self._values[key] = WidgetState(id=widget.id, string_value=chosen)

    def _with(self, key: str) -> Iterator[tuple[Any, str]]:
        for element, fragment in self._drawn.values():
            kind = element.WhichOneof("type")
            widget = getattr(element, kind) if kind else None
            if str(getattr(widget, "id", "")).endswith(f"-{key}"):
                yield widget, fragment

    def _found(self, key: str) -> tuple[Any, str]:
        try:
            return next(self._with(key))
        except StopIteration:
            raise AssertionError(f"{self.page}: nothing with the key {key} is drawn.\n{self.words()[:4000]}") from None

    async def _run(self, what: str, *triggers: WidgetState, page_name: str = "", fragment_id: str = "") -> None:
        message = BackMsg()
        asked = message.rerun_script
        asked.widget_states.widgets.extend([*self._values.values(), *triggers])
        asked.page_name, asked.page_script_hash = page_name, "" if page_name else self._hash
        asked.fragment_id = fragment_id
        assert self._socket is not None
        began = time.monotonic()
        async with asyncio.timeout(PATIENCE):
            await self._socket.send(message.SerializeToString())
            while not self._take(await self._socket.recv(), whole=not fragment_id):
                pass
        self.ran.append((f"{what} {self.page}", time.monotonic() - began))

    def _take(self, raw: str | bytes, *, whole: bool) -> bool:
        """Take one message; whether it ends the run."""
        message = ForwardMsg.FromString(raw if isinstance(raw, bytes) else raw.encode())
        if message.WhichOneof("type") == "ref_hash":
            kept = self._messages[message.ref_hash]
            path = message.metadata.delta_path
            kept.metadata.ClearField("delta_path")
            kept.metadata.delta_path.extend(path)
            message = kept
        elif message.hash:
            copy = ForwardMsg()
            copy.CopyFrom(message)
            self._messages[message.hash] = copy
        kind = message.WhichOneof("type")
        if kind == "new_session":
            if whole:
                self._drawn.clear()
        elif kind == "navigation":
            self._hash = message.navigation.page_script_hash
        elif kind == "delta":
            place = tuple(message.metadata.delta_path)
            if message.delta.WhichOneof("type") == "new_element":
                element = type(message.delta.new_element)()
                element.CopyFrom(message.delta.new_element)
                self._drawn[place] = (element, message.delta.fragment_id)
        elif kind == "script_finished":
            return message.script_finished in ENDED
        return False


async def until(holds: Callable[[], bool], again: Callable[[], Any], *, seconds: float = 60.0) -> None:
    """Look again until it holds. Raises TimeoutError."""
    async with asyncio.timeout(seconds):
        while not holds():
            await asyncio.sleep(0.5)
            await again()
