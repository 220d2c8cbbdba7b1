"""The recorder keeps what happened, in order, masked, whoever reports it from wherever."""

from __future__ import annotations

import asyncio
import threading

import pytest

from fastmcp_vault import tracing
from fastmcp_vault.errors import CredentialMissing
from fastmcp_vault.tracing import STEPS, Recorder, Step
from fastmcp_vault.tracing.recorder import MAX_STEPS


def test_a_step_that_ends_well_is_done_and_timed() -> None:
    recorder = Recorder("Load tools")
    with tracing.recording(recorder), tracing.step("vault-login", server="jira") as opened:
        opened.say("Vault took alice for alice.")
        opened.detail(role="mcp-jira", client_token="hvs.CAESIJabcdefghijklmnop")
        opened.valid(until=123.0)
    (step,) = recorder.trace.steps
    assert (step.kind, step.server, step.status, step.number, step.until) == ("vault-login", "jira", "done", 5, 123.0)
    assert step.duration_ms > 0
    assert step.detail == {"role": "mcp-jira", "client_token": "hvs.…mnop"}


def test_one_of_our_errors_marks_the_step_failed_in_its_own_words_and_goes_on_up() -> None:
    recorder = Recorder("Load tools")
    with tracing.recording(recorder), pytest.raises(CredentialMissing), tracing.step("credential"):
        raise CredentialMissing("There is none.", fix="Ask for one.")
    (step,) = recorder.trace.failed
    assert (step.error, step.fix, step.code) == ("There is none.", "Ask for one.", "credential_missing")


def test_any_other_error_is_named_without_its_secrets() -> None:
    recorder = Recorder("Load tools")
    recorder.protect("hunter2hunter2")
    with tracing.recording(recorder), pytest.raises(ValueError, match="hunter2"), tracing.step("backend"):
        raise ValueError("cannot use hunter2hunter2")
    (step,) = recorder.trace.failed
    assert "hunter2" not in step.model_dump_json()
    assert (step.code, step.fix) == ("internal", STEPS["backend"].hint)


def test_without_a_recorder_nothing_is_kept_and_everything_works() -> None:
    with tracing.step("backend") as opened:
        opened.say("x")
        opened.detail(a=1)
        opened.protect("x")
    tracing.reused("credential", since=1.0)
    tracing.skipped("backend", "no credential")
    tracing.extend([])
    assert tracing.current() is None


def test_reused_and_skipped_steps_say_since_until_and_why() -> None:
    recorder = Recorder("Execute")
    with tracing.recording(recorder):
        tracing.reused("credential", since=1.0, until=2.0, server="jira", sentence="Still valid.")
        tracing.skipped("backend", "There was no credential.", server="jira")
    reused, skipped = recorder.trace.steps
    assert (reused.status, reused.since, reused.until, reused.sentence) == ("reused", 1.0, 2.0, "Still valid.")
    assert (skipped.status, skipped.sentence) == ("skipped", "There was no credential.")


def test_recording_can_be_switched_off_inside() -> None:
    recorder = Recorder("Execute")
    with tracing.recording(recorder), tracing.step("backend"), tracing.recording(None):
        assert tracing.current() is None
        with tracing.step("credential"):
            pass
    assert [s.kind for s in recorder.trace.steps] == ["backend"]


async def test_two_actions_at_once_never_see_each_other_s_steps() -> None:
    async def act(name: str) -> Recorder:
        recorder = Recorder(name)
        with tracing.recording(recorder):
            for _ in range(20):
                with tracing.step("backend", server=name):
                    await asyncio.sleep(0)
                    await asyncio.to_thread(tracing.skipped, "credential", name, server=name)
        return recorder

    recorders = await asyncio.gather(*(act(f"user{n}") for n in range(10)))
    for recorder in recorders:
        assert {s.server for s in recorder.trace.steps} == {recorder.trace.action}
        assert len(recorder.trace.steps) == 40


def test_secrets_named_by_many_threads_at_once_are_all_kept() -> None:
    recorder = Recorder("Execute")

    def name_many(n: int) -> None:
        for i in range(200):
            recorder.protect(f"secret-{n}-{i}")

    threads = [threading.Thread(target=name_many, args=[n]) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(recorder.secrets) == 1600


def test_a_trace_is_bounded_and_takes_over_others_steps_in_time_order() -> None:
    recorder = Recorder("Execute")
    later, earlier = Step(kind="backend", started_at=2.0), Step(kind="credential", started_at=1.0)
    recorder.extend([later, earlier])
    assert [s.kind for s in recorder.trace.steps] == ["credential", "backend"]
    recorder.extend([later] * (2 * MAX_STEPS))
    with recorder.step("entity"):
        pass
    assert len(recorder.trace.steps) == MAX_STEPS


def test_an_unknown_kind_of_step_is_a_mistake_told_at_once() -> None:
    with pytest.raises(KeyError), Recorder("x").step("no-such-step"):
        pass


def test_the_registry_numbers_its_steps_in_the_order_of_the_flow() -> None:
    of_links = [kind.number for kind in STEPS.values() if kind.id.startswith(("relay-", "chat-"))]
    of_tools = [kind.number for kind in STEPS.values() if not kind.id.startswith(("relay-", "chat-"))]
    for numbers in (of_tools, of_links):
        assert numbers == sorted(numbers)
        assert set(numbers) == set(range(1, 8))
    assert all(k.title and k.why and k.standard and k.hint for k in STEPS.values())
