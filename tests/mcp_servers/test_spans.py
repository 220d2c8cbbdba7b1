"""What a collector gets of a call: every step as a span of the caller's trace, and no secret of anybody's."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
from collections.abc import AsyncIterator, Iterator

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from fastmcp_vault.tracing import Step
from stack import secret_store
from stack.testing import Stack
from tests.mcp_servers.callers import TRACE, Caller, connected, post, text
from tests.mcp_servers.serving import replica
from tests.support.collector import Collector, collecting
from tests.support.eventually import eventually
from tests.support.logs import found
from tests.test_secrets_stay import TOKEN

CALLS = {"jira": "list_projects", "github": "list_repos", "postgres": "list_tables"}


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as made:
        yield made


@pytest.fixture(params=CALLS)
async def served(request: pytest.FixtureRequest, stack: Stack, collector: Collector) -> AsyncIterator[tuple[str, str]]:
    """A server that sends its spans, and its address."""
    server = str(request.param)
    observed = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
        "OTEL_BSP_SCHEDULE_DELAY": "100",
        "OTEL_METRIC_EXPORT_INTERVAL": "200",
    }
    async with replica(stack, server, settings=stack.environment(f"mcp-{server}") | observed) as made:
        yield server, made.url


def parent(trace_id: str, *, sampled: bool = True) -> str:
    return f"00-{trace_id}-{secrets.token_hex(8)}-{int(sampled):02x}"


async def test_a_call_is_one_trace_of_its_steps_and_nothing_secret_leaves_with_it(
    stack: Stack, caller: Caller, collector: Collector, served: tuple[str, str]
) -> None:
    server, url = served
    in_meta, in_header, not_kept = (secrets.token_hex(16) for _ in range(3))
    token = await caller.token(server)
    async with connected(stack, server, token, at=url) as client:
        answer = await client.call_tool_mcp(CALLS[server], {}, meta={"traceparent": parent(in_meta), TRACE: True})
        await client.call_tool_mcp(CALLS[server], {}, meta={"traceparent": parent(not_kept, sampled=False)})
    assert not answer.is_error, text(answer)
    listed = await post(stack, server, token, at=url, headers={"traceparent": parent(in_header)})
    assert listed.is_success

    steps = [Step.model_validate(step) for step in (answer.meta or {})[TRACE]["steps"]]
    done = {step.kind: step for step in steps if step.status != "skipped"}
    assert {"bearer-check", "token-exchange", "vault-login", "credential", "backend"} <= done.keys()
    await eventually(lambda: done.keys() <= names(collector, in_meta) and bool(names(collector, in_header)))
    for kind, step in done.items():
        (span,) = [each for each in spans(collector, in_meta) if each.name == kind]
        assert span.start_time_unix_nano == int(step.started_at * 1_000_000_000)
        assert span.end_time_unix_nano == int((step.started_at + step.duration_ms / 1000) * 1_000_000_000)
    assert_one_tree(spans(collector, in_meta))
    assert {service for service, _ in collector.of(in_meta)} == {f"mcp-{server}"}
    requests = [span for span in spans(collector, in_meta) if span.kind == Span.SPAN_KIND_CLIENT]
    assert len(requests) >= 3
    about = [{each.key: each.value.string_value for each in span.attributes} for span in requests]
    assert {"url.full", "server.address"} <= {key for each in about for key in each}
    if server == "postgres":
        asked = [each["db.query.text"] for each in about if each.get("db.system.name") == "postgresql"]
        assert any("FROM pg_class" in text for text in asked)
    assert not spans(collector, not_kept)
    await eventually(lambda: in_meta in exemplars(collector))
    no_secret(stack, caller, collector, token)


async def test_a_refusal_is_an_error_by_its_code(stack: Stack, caller: Caller, collector: Collector) -> None:
    trace_id = secrets.token_hex(16)
    observed = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_BSP_SCHEDULE_DELAY": "100"}
    async with replica(stack, "jira", settings=stack.environment("mcp-jira") | observed) as made:
        async with connected(stack, "jira", await caller.token("jira"), at=made.url) as client:
            meta = {"traceparent": parent(trace_id)}
            answer = await client.call_tool_mcp("get_issue", {"issue_key": "PROJ-99999"}, meta=meta)
        assert answer.is_error
        await eventually(lambda: "backend" in names(collector, trace_id))
    (failed,) = [span for span in spans(collector, trace_id) if span.name == "backend"]
    assert failed.status.code == Status.STATUS_CODE_ERROR
    told = {each.key: each.value.string_value for each in failed.attributes}
    assert told["error.type"] == "backend_refused"


async def test_a_collector_that_is_away_stops_nobody(stack: Stack, caller: Caller) -> None:
    away = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:9", "OTEL_BSP_SCHEDULE_DELAY": "50"}
    async with replica(stack, "jira", settings=stack.environment("mcp-jira") | away) as made:
        answers = await asyncio.gather(*(caller.call("jira", "list_projects", at=made.url) for _ in range(10)))
        assert not [text(answer) for answer in answers if answer.is_error]


async def test_its_log_says_which_call_and_which_trace_in_text_and_in_json(
    stack: Stack, caller: Caller, collector: Collector
) -> None:
    log = stack.layout.logs / f"mcp-jira-replica-{os.getpid()}.log"
    for chosen in ("text", "json"):
        click, observed = secrets.token_hex(16), {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "LOG_FORMAT": chosen}
        async with replica(stack, "jira", settings=stack.environment("mcp-jira") | observed) as made:
            await caller.call("jira", "list_projects", correlation_id=click, at=made.url)
        (line,) = found(log, click, saying="list_projects for")
        if chosen == "json":
            event = json.loads(line)
            assert event["correlation_id"] == click
            assert event["service.name"] == "mcp-jira"
            assert event["event.name"] == "fastmcp_vault.server.trace.on_call_tool"
            assert len(event["trace_id"]) == 32
            assert len(event["span_id"]) == 16
            assert f"list_projects for {caller.person.username} done" in event["body"]
            assert event["timestamp"].endswith("Z")
        else:
            assert line.endswith(f" ms [{click}]")


def spans(collector: Collector, trace_id: str) -> list[Span]:
    return [span for _, span in collector.of(trace_id)]


def names(collector: Collector, trace_id: str) -> set[str]:
    return {span.name for span in spans(collector, trace_id)}


def exemplars(collector: Collector) -> set[str]:
    """The traces to which the durations of calls lead."""
    sent = collector.metrics("fastmcp_vault.call.duration")
    return {one.trace_id.hex() for metric in sent for point in metric.histogram.data_points for one in point.exemplars}


def assert_one_tree(found: list[Span]) -> None:
    """Every span hangs below one that came from outside."""
    own = {span.span_id for span in found}
    assert len({span.parent_span_id for span in found if span.parent_span_id not in own}) == 1


def no_secret(stack: Stack, caller: Caller, collector: Collector, token: str) -> None:
    """Of the stack's own secrets, the person's, and everything shaped like a token."""
    own = {value for name, value in stack.secrets.items() if name not in secret_store.FIXED}
    held = {caller.person.entitlements["jira"]["api_token"], caller.person.entitlements["github"]["token"]}
    assert len(own) >= 12
    for body in collector.bodies:
        sent = body.decode("utf-8", "replace")
        assert not [secret for secret in own | held | {token, caller.person.password} if secret in sent]
        assert not TOKEN.search(sent)
