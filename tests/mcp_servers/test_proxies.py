"""A company's proxy stands before back ends alone, and its password is nobody's to read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from pydantic import SecretStr

from fastmcp_vault import tracing
from fastmcp_vault.errors import BackendUnavailable, ConfigError
from fastmcp_vault.vault import Vault
from mcp_servers import jira_api
from mcp_servers.github import github_kind
from mcp_servers.jira import jira_kind
from mcp_servers.jira_api import Jira
from mcp_servers.proxies import proxy_for
from mcp_servers.rest import Rest
from mcp_servers.settings import GithubSettings, JiraSettings
from tests.support.browser import closed_port

ANYWHERE = "http://jira.example.test"
NONE = SecretStr("")


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("BACKEND_PROXY", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@dataclass
class Proxy:
    """A forward proxy that answers in the back end's place, and keeps what it was asked."""

    address: str = ""
    status: str = "200 OK"
    heads: list[str] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.heads.append((await reader.readuntil(b"\r\n\r\n")).decode())
        body = b'{"issues": []}'
        writer.write(
            f"HTTP/1.1 {self.status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body
        )
        await writer.drain()
        writer.close()


@pytest.fixture
async def proxy() -> AsyncIterator[Proxy]:
    made = Proxy()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.address = "{}:{}".format(*server.sockets[0].getsockname()[:2])
    async with server:
        yield made


def jira_behind(address: str, configured: str) -> tuple[Jira, Rest]:
    rest = Rest(
        address,
        server="jira",
        name="Jira",
        timeout=1,
        words=jira_api.words,
        proxy=proxy_for(address, SecretStr(configured)),
    )
    return Jira.by_token(rest, email="alice@example.com", api_token=SecretStr("a-secret-token-1")), rest


async def test_a_back_end_is_reached_through_the_proxy_which_alone_gets_its_password(proxy: Proxy) -> None:
    jira, rest = jira_behind(ANYWHERE, f"http://company:pass-word-9@{proxy.address}")
    recorder = tracing.Recorder("call")
    with tracing.recording(recorder):
        assert (await jira.search("project = PROJ", limit=1)).issues == []
    await rest.close()
    assert proxy.heads[0].startswith("GET http://jira.example.test/rest/api/3/search/jql")
    assert "proxy-authorization: basic" in proxy.heads[0].lower()
    assert "pass-word-9" not in recorder.trace.model_dump_json()
    assert "roxy-" not in recorder.trace.model_dump_json()


@pytest.mark.parametrize("failing", ["away", "password", "refuses the tunnel"])
async def test_a_failure_names_the_proxy_and_not_its_password(proxy: Proxy, failing: str) -> None:
    proxy.status = {"password": "407 Proxy Authentication Required"}.get(failing, "403 Forbidden")
    where = f"127.0.0.1:{closed_port()}" if failing == "away" else proxy.address
    address = "https://jira.example.test" if failing == "refuses the tunnel" else ANYWHERE
    jira, rest = jira_behind(address, f"http://company:pass-word-9@{where}")
    with pytest.raises(BackendUnavailable) as told:
        await jira.search("project = PROJ", limit=1)
    await rest.close()
    said = str(told.value)
    assert where in said
    assert "BACKEND_PROXY" in said
    assert "pass-word-9" not in said
    assert "company" not in said


@pytest.mark.parametrize(
    ("backend", "environment", "configured", "setting"),
    [
        ("https://x.example", {"HTTPS_PROXY": "http://p:1"}, "", "HTTPS_PROXY"),
        ("https://x.example", {"https_proxy": "http://p:1"}, "", "https_proxy"),
        ("https://x.example", {"HTTP_PROXY": "http://p:1"}, "", None),
        ("http://x.example", {"HTTP_PROXY": "p:1"}, "", "HTTP_PROXY"),
        ("https://x.example", {"HTTPS_PROXY": "http://p:1"}, "http://q:2", "BACKEND_PROXY"),
        ("https://x.example", {}, "http://q:2", "BACKEND_PROXY"),
        ("https://x.example", {}, "", None),
        # what NO_PROXY lists
        ("https://x.example", {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "x.example"}, "", None),
        ("https://a.x.example", {"NO_PROXY": "y.example, .x.example"}, "http://q:2", None),
        ("https://x.example:8443", {"NO_PROXY": "x.example:8443"}, "http://q:2", None),
        ("https://x.example", {"NO_PROXY": "*"}, "http://q:2", None),
        ("https://xx.example", {"no_proxy": "x.example"}, "http://q:2", "BACKEND_PROXY"),
        # this machine, however it is spelled
        ("http://localhost:8001", {"HTTP_PROXY": "http://p:1"}, "http://q:2", None),
        ("http://LOCALHOST.:8001", {}, "http://q:2", None),
        ("http://jira.localhost:8001", {}, "http://q:2", None),
        ("http://127.8.9.1:8001", {}, "http://q:2", None),
        ("http://[::1]:8001", {}, "http://q:2", None),
    ],
)
def test_which_proxy_stands_before_which_back_end(
    monkeypatch: pytest.MonkeyPatch,
    backend: str,
    environment: dict[str, str],
    configured: str,
    setting: str | None,
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    found = proxy_for(backend, SecretStr(configured))
    assert (found.setting if found else None) == setting


@pytest.mark.parametrize("value", ["socks5://u:s3cret-w@p:1", "http://", "http://u:s3cret-w@p:notaport", "ftp://p"])
def test_a_proxy_that_is_none_is_refused_at_the_start_without_repeating_it(value: str) -> None:
    with pytest.raises(ConfigError, match="BACKEND_PROXY") as refused:
        proxy_for(ANYWHERE, SecretStr(value))
    assert "s3cret-w" not in str(refused.value)


async def test_both_servers_take_the_setting_and_hide_it() -> None:
    vault = Vault("http://localhost:8200")
    secret = SecretStr("http://company:pass-word-9@proxy.example:3128")
    jira = JiraSettings(jira_url="https://x.atlassian.net", backend_proxy=secret)
    github = GithubSettings(github_api_url="https://api.github.com", backend_proxy=secret)
    for kind, settings in ((jira_kind(jira, vault), jira), (github_kind(github, vault), github)):
        assert "proxy.example:3128" in getattr(kind.backend, "site", kind.backend)._through
        assert "pass-word-9" not in repr(settings)
        await kind.backend.close()
    await vault.close()
