"""A press and its outcome survive an interaction that comes while Streamlit is busy with the press."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pytest
from streamlit.proto.WidgetStates_pb2 import WidgetStates
from streamlit.runtime.fragment import MemoryFragmentStorage
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.pages_manager import PagesManager
from streamlit.runtime.runtime import Runtime
from streamlit.runtime.scriptrunner import RerunData, ScriptRunner, ScriptRunnerEvent
from streamlit.runtime.scriptrunner.script_cache import ScriptCache
from streamlit.runtime.state import SessionState

PAGE = """
import streamlit as st
from app.view import press

st.session_state.setdefault("acted", 0)
meanwhile = st.session_state["meanwhile"]
st.checkbox("Box", key="box", on_change=meanwhile, args=("callbacks",))
press.button("Go", key="go")
if press.taken("go"):
    meanwhile("action")
    st.session_state["acted"] += 1
press.page_drawn()
"""


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(Runtime, "_instance", MagicMock())  # media files, as Streamlit's own AppTest does
    path = tmp_path / "page.py"
    path.write_text(PAGE)
    return path


class Tab:
    """A browser tab: its session state, and runs of the page in it."""

    def __init__(self, page: Path) -> None:
        self._page, self._state = page, SessionState()
        self._at: Callable[[str], None] = lambda moment: None
        self._state["meanwhile"] = self.meanwhile

    def meanwhile(self, moment: str) -> None:
        """The page says that it has come to this moment of its run."""
        self._at(moment)

    def draw(self) -> None:
        self._run(RerunData(widget_states=WidgetStates()), lambda runner, moment: None)

    def press_and_tick(self, moment: str) -> None:
        """Tick and press in one message; the next interaction comes at ``moment`` of the run that acts on them."""
        came: list[str] = []

        def interrupt(runner: ScriptRunner, now: str) -> None:
            if now == moment and not came:
                came.append(now)
                assert runner.request_rerun(RerunData(widget_states=self._states(pressed=False)))

        self._run(RerunData(widget_states=self._states(pressed=True)), interrupt)
        assert came

    @property
    def acted(self) -> int:
        return int(self._state["acted"])

    def _states(self, *, pressed: bool) -> WidgetStates:
        states = WidgetStates()
        box = states.widgets.add()
        box.id, box.bool_value = self._state._key_id_mapper.get_id_from_key("box"), True
        if pressed:
            button = states.widgets.add()
            button.id, button.trigger_value = self._state._key_id_mapper.get_id_from_key("go"), True
        return states

    def _run(self, data: RerunData, at: Callable[[ScriptRunner, str], None]) -> None:
        loop = asyncio.new_event_loop()
        runner = ScriptRunner(
            session_id="tab",
            main_script_path=str(self._page),
            session_state=self._state,
            uploaded_file_mgr=MemoryUploadedFileManager("/media"),
            script_cache=ScriptCache(),
            initial_rerun_data=data,
            user_info={},
            fragment_storage=MemoryFragmentStorage(),
            pages_manager=PagesManager(str(self._page), ScriptCache()),
            event_loop=loop,
        )
        self._at = functools.partial(at, runner)

        def heard(sender: ScriptRunner, event: ScriptRunnerEvent, **_: Any) -> None:
            if event == ScriptRunnerEvent.SCRIPT_STARTED:
                self.meanwhile("start")

        runner.on_event.connect(heard, weak=False)
        runner.start()
        thread = runner._script_thread
        assert thread is not None
        thread.join()
        loop.close()


@pytest.mark.parametrize("moment", ["start", "callbacks", "action"])
def test_a_press_leads_to_one_action_whenever_the_next_interaction_comes(page: Path, moment: str) -> None:
    tab = Tab(page)
    tab.draw()
    tab.press_and_tick(moment)
    assert tab.acted == 1
