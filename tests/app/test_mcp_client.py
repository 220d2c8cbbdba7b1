"""The MCP client against a real FastMCP server: results, reported steps, and each failure as a sentence."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest
import uvicorn
from fastmcp import FastMCP
from fastmcp.server.dependencies import get_http_headers
from fastmcp.tools import ToolResult
from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app.mcp_client import connected
from app.texts import speaking, told_problem
from fastmcp_vault.errors import CredentialMissing, Problem, ServerUnavailable, TokenInvalid, ToolRefused
from fastmcp_vault.meta import ERROR_KEY, TRACE_KEY
from fastmcp_vault.sentences import Sentence
from fastmcp_vault.tracing import Recorder, Step, recording, step
from tests.support.browser import closed_port

TOKEN = SecretStr("eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl")

REPORTED = Step(kind="vault-login", server="jira", started_at=1.0, sentence="Logged in.").model_dump(mode="json")

server = FastMCP("test")


@server.tool(annotations={"readOnlyHint": True})
def greet(name: str = "you") -> dict[str, str]:
    """Say hello."""
    headers = get_http_headers(include_all=True)
    return {"hello": name, "correlation": headers.get("x-correlation-id", "")}


@server.tool
def report() -> ToolResult:
    """Report steps: one of ours and some that are none."""
    steps = [REPORTED, {"kind": "made-up", "started_at": 1.0}, "nonsense", {"kind": "jwt"}]
    return ToolResult(structured_content={"ok": True}, meta={TRACE_KEY: {"steps": steps}})


@server.tool
def refuse() -> ToolResult:
    """Refuse, as our servers do."""
    meta = {ERROR_KEY: {"code": "credential_missing", "what": "Nothing there.", "fix": "Add it."}}
    return ToolResult(content="Nothing there. Add it.", meta=meta, is_error=True)


@server.tool
def refuse_with_values() -> ToolResult:
    """Refuse, with a sentence that has values."""
    problem = CredentialMissing(Sentence("There is nothing at {path}.", path="secret/x"), fix="`./demo init` makes it.")
    return ToolResult(content=str(problem), meta={ERROR_KEY: problem.as_dict()}, is_error=True)


@server.custom_route("/status/{code:int}", methods=["POST"])
async def status(request: Request) -> Response:
    code = int(request.path_params["code"])
    if code == 503:
        said = {"error": "suspended", "what": "The server is suspended.", "fix": "Wait.", "retryable": False}
        return JSONResponse(said, status_code=code)
    challenge = 'Bearer error="invalid_token", error_description="The token has expired."'
    return Response(status_code=code, headers={"WWW-Authenticate": challenge} if code in (401, 403) else None)


class Announcing(uvicorn.Server):
    """Says when it takes connections."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()


async def call(server_name: str, address: str, recorder: Recorder) -> None:
    with recording(recorder), step("mcp-request", server=server_name):
        async with connected(server_name, address, TOKEN) as connection:
            await connection.call("greet", {}, fresh=False)


@pytest.fixture
async def address() -> AsyncIterator[str]:
    port = closed_port()
    app = server.http_app(stateless_http=True, json_response=True)
    running = Announcing(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="error", ws="none"))
    serving = asyncio.create_task(running.serve())
    await running.ready.wait()
    yield f"http://127.0.0.1:{port}"
    running.should_exit = True
    await serving


async def test_tools_are_listed_with_what_they_may_do(address: str) -> None:
    async with connected("jira", f"{address}/mcp", TOKEN) as connection:
        tools = {tool.name: tool for tool in await connection.tools()}
    assert tools["greet"].read_only
    assert not tools["greet"].destructive
    assert tools["refuse"].destructive
    assert tools["greet"].schema["properties"]["name"]["default"] == "you"


async def test_a_call_carries_the_correlation_id_and_its_wire_is_in_the_step_without_the_token(address: str) -> None:
    recorder = Recorder("call")
    with recording(recorder), step("mcp-request", server="jira"):
        async with connected("jira", f"{address}/mcp", TOKEN) as connection:
            answer = await connection.call("greet", {"name": "alice"}, fresh=False)
    assert answer.structured == {"hello": "alice", "correlation": recorder.trace.id}
    exchange = recorder.trace.steps[0].exchanges[0]
    assert (exchange.method, exchange.status) == ("POST", 200)
    assert "alice" in exchange.response_body
    assert TOKEN.get_secret_value() not in recorder.trace.model_dump_json()


async def test_reported_steps_are_taken_over_and_what_is_none_is_left_out(address: str) -> None:
    recorder = Recorder("call")
    with recording(recorder), step("mcp-request", server="jira"):
        async with connected("jira", f"{address}/mcp", TOKEN) as connection:
            await connection.call("report", {}, fresh=True)
    assert sorted(s.kind for s in recorder.trace.steps) == ["mcp-request", "vault-login"]


async def test_a_tools_own_error_is_an_answer_with_its_parts(address: str) -> None:
    async with connected("jira", f"{address}/mcp", TOKEN) as connection:
        answer = await connection.call("refuse", {}, fresh=False)
    assert answer.problem is not None
    assert (answer.problem.what, answer.problem.fix) == ("Nothing there.", "Add it.")


async def test_a_tools_own_error_is_told_in_the_readers_language(address: str) -> None:
    async with connected("jira", f"{address}/mcp", TOKEN) as connection:
        answer = await connection.call("refuse_with_values", {}, fresh=False)
    assert answer.problem is not None
    assert told_problem(answer.problem) == "There is nothing at secret/x. `./demo init` makes it."
    with speaking("ko"):
        assert told_problem(answer.problem) == "secret/x에 아무것도 없습니다. `./demo init`이 만듭니다."


@pytest.mark.parametrize(
    ("code", "says"),
    [
        (401, "Jira MCP 서버가 토큰을 거부했습니다: 토큰이 만료되었습니다. 다시 로그인하십시오."),
        (403, "Jira MCP 서버가 허용하지 않습니다: 토큰이 만료되었습니다."),
        (413, "Jira MCP 서버가 받기에 인자가 너무 큽니다."),
        (500, "Jira MCP 서버에서 오류가 발생했습니다(HTTP 500)."),
    ],
)
async def test_a_refusal_on_the_wire_is_told_in_the_readers_language(address: str, code: int, says: str) -> None:
    with speaking("ko"), pytest.raises(Problem) as caught:
        await call("jira", f"{address}/status/{code}", Recorder("call"))
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("code", "kind", "says"),
    [
        (401, TokenInvalid, "The Jira MCP server refused the token: The token has expired. Sign in again."),
        (403, ToolRefused, "does not allow this: The token has expired."),
        (413, ToolRefused, "The arguments are too large"),
        (421, ServerUnavailable, "does not serve this address"),
        (503, ServerUnavailable, "The server is suspended. Wait."),
        (500, ServerUnavailable, "failed (HTTP 500)"),
    ],
)
async def test_each_refusal_on_the_wire_is_a_sentence(address: str, code: int, kind: type[Problem], says: str) -> None:
    recorder = Recorder("call")
    with pytest.raises(kind) as caught:
        await call("jira", f"{address}/status/{code}", recorder)
    assert says in str(caught.value)
    assert recorder.trace.steps[0].status == "failed"


async def test_a_server_that_is_not_there_is_a_sentence() -> None:
    with pytest.raises(ServerUnavailable, match="The GitHub MCP server does not answer"):
        await call("github", f"http://127.0.0.1:{closed_port()}/mcp", Recorder("call"))


async def test_an_unknown_tool_is_a_sentence(address: str) -> None:
    async with connected("jira", f"{address}/mcp", TOKEN) as connection:
        answer = await connection.call("no_such_tool", {}, fresh=False)
    assert answer.problem is not None
