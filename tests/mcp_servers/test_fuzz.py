"""Two thousand requests a server that no client would send: always an answer of the protocol, never a failure."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx2
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from stack.testing import Stack
from tests.mcp_servers.callers import Caller

REQUESTS, AT_ONCE = 2_000, 20
METHODS = ["tools/call", "tools/list", "initialize", "ping", "server/discover", "resources/read", "prompts/get", "x"]
TOOLS = ["credential_status", "get_issue", "create_issue", "list_issues", "query", "execute", "describe_table", "no"]
LEAKS = ("Traceback", 'File "', "site-packages", "/mcp_servers/")
MEMORY_BYTES = 80 * 2**20
"""How much a server may grow over a run: caches fill and the allocator keeps some; a leak of bodies is more."""

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
)
calls = st.fixed_dictionaries(
    {"name": st.sampled_from(TOOLS) | values},
    optional={
        "arguments": st.dictionaries(st.sampled_from(["issue_key", "sql", "limit", "owner", "a"]), values) | values,
        "_meta": values,
        "inputResponses": values,
        "requestState": values,
    },
)
messages = st.fixed_dictionaries(
    {},
    optional={
        "jsonrpc": st.just("2.0") | values,
        "id": st.integers(0, 9) | values,
        "method": st.sampled_from(METHODS) | values,
        "params": calls | values,
    },
)
well_formed = st.fixed_dictionaries(
    {"jsonrpc": st.just("2.0"), "id": st.integers(0, 9), "method": st.sampled_from(METHODS), "params": calls | values}
)
deep = st.integers(50, 5_000).map(lambda depth: b"[" * depth + b"]" * depth)
deep_arguments = st.integers(50, 2_000).map(
    lambda depth: (
        b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_issue","arguments":{"issue_key":'
        + b'{"a":' * depth + b"1" + b"}" * depth + b"}}}"
    )
)  # fmt: skip
huge = st.integers(1_000, 40_000).map(
    lambda size: json.dumps(
        {"jsonrpc": "2.0", "id": 10**size if size < 4_000 else 1, "method": "x" * size, "params": {"a": "y" * size}}
    ).encode()
)
bodies = st.one_of(
    (well_formed | messages).map(lambda body: json.dumps(body).encode()),
    (values | st.lists(messages, max_size=4)).map(lambda body: json.dumps(body).encode()),
    st.binary(max_size=60),
    deep,
    deep_arguments,
    huge,
)
odd = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=30)
headers = st.fixed_dictionaries(
    {},
    optional={
        "Accept": st.sampled_from(["application/json", "text/event-stream", "*/*", "a/b"]) | odd,
        "Content-Type": st.sampled_from(["text/plain", "application/json; charset=utf-16", "a"]) | odd,
        "MCP-Protocol-Version": st.sampled_from(["2026-07-28", "2025-11-25", "2025-06-18", "1999-01-01"]) | odd,
        "Mcp-Method": st.sampled_from(METHODS) | odd,
        "Mcp-Name": st.sampled_from(TOOLS) | odd,
        "Mcp-Session-Id": odd,
        "Last-Event-ID": odd,
        "X-Correlation-Id": odd,
        "Content-Encoding": st.sampled_from(["gzip", "br"]) | odd,
        "Cookie": odd,
    },
)
requests = st.tuples(st.sampled_from(["POST"] * 9 + ["DELETE", "PUT", "OPTIONS"]), headers, bodies)


@pytest.mark.parametrize("server", ["jira", "github", "postgres"])
async def test_whatever_is_sent_the_answer_is_one_of_the_protocol(stack: Stack, shared: Caller, server: str) -> None:
    token = await shared.token(server, scope=f"mcp:{server}")
    log = stack.layout.logs / f"mcp-{server}.log"
    read, before = log.stat().st_size, _resident(stack, server)
    usual = {
        "Authorization": f"Bearer {token}",
        "Accept": "application/json, text/event-stream",
        "Content-Type": "application/json",
    }
    with httpx2.Client(base_url=stack.url(f"mcp-{server}"), trust_env=False, timeout=30) as client:

        @settings(
            max_examples=REQUESTS // AT_ONCE,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(st.lists(requests, min_size=AT_ONCE, max_size=AT_ONCE))
        def send(batch: list[tuple[str, dict[str, str], bytes]]) -> None:
            for method, more, body in batch:
                answer = client.request(method, "/mcp", headers=usual | more, content=body)
                _is_of_the_protocol(answer, (method, more, body[:2_000]))

        send()
        assert client.get("/health").json()["status"] == "ok"
    with log.open("rb") as written:
        written.seek(read)
        assert b"Exception in ASGI application" not in written.read()
    assert _resident(stack, server) - before < MEMORY_BYTES


def _is_of_the_protocol(answer: httpx2.Response, sent: Any) -> None:
    """A refusal by HTTP, an acknowledgement without a body, or JSON-RPC; nothing of the inside."""
    assert answer.status_code < 500, (answer.status_code, answer.text[:500], sent)
    assert not any(leak in answer.text for leak in LEAKS), (answer.text[:500], sent)
    if answer.status_code == 200 and answer.content:
        text = answer.text.partition("data: ")[2] if "event-stream" in answer.headers["content-type"] else answer.text
        message = json.loads(text)
        assert message["jsonrpc"] == "2.0", sent
        assert ("result" in message) != ("error" in message), (message, sent)


def _resident(stack: Stack, server: str) -> int:
    """Bytes of memory that the server's process holds."""
    pid = stack.status(f"mcp-{server}").pid
    status = Path(f"/proc/{pid}/status")
    if not status.exists():
        return 0
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) * 1024
