"""Who opens a service in a browser reads what it is; programs, and the checks before them, notice nothing."""

from __future__ import annotations

import pytest
import requests

from common.servers import MCP_SERVERS
from stack.testing import Stack

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
CLIENT = {"Accept": "application/json, text/event-stream"}
PLACES = ("mock-chatbot", "auth-relay", "biz-service", "mock-jira", *(f"mcp-{s}" for s in MCP_SERVERS))


def at(stack: Stack, place: str) -> str:
    return f"http://localhost:{stack.instance.ports[place]}"


@pytest.mark.parametrize("place", PLACES)
def test_a_browser_reads_what_it_is_and_where_to_look(stack: Stack, place: str) -> None:
    answer = requests.get(at(stack, place), headers=BROWSER, timeout=10)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "the app's page" in answer.text.replace("&#x27;", "'")
    assert requests.get(f"{at(stack, place)}/health", timeout=10).ok


@pytest.mark.parametrize("place", PLACES)
def test_under_another_host_name_it_is_refused(stack: Stack, place: str) -> None:
    answer = requests.get(at(stack, place), headers=BROWSER | {"Host": "evil.example"}, timeout=10)
    assert 400 <= answer.status_code < 500


@pytest.mark.parametrize("server", MCP_SERVERS)
def test_the_endpoint_of_an_mcp_server_explains_itself_to_browsers_alone(stack: Stack, server: str) -> None:
    endpoint = f"{at(stack, f'mcp-{server}')}/mcp"
    page = requests.get(endpoint, headers=BROWSER, timeout=10)
    assert page.status_code == 200
    assert endpoint in page.text
    assert requests.get(endpoint, headers=CLIENT, timeout=10).status_code in (401, 405)
    posted = requests.post(endpoint, headers=BROWSER, json={}, timeout=10)
    assert posted.status_code == 401
    assert "resource_metadata" in posted.headers["www-authenticate"]
    elsewhere = requests.get(endpoint, headers=BROWSER | {"Host": "evil.example"}, timeout=10)
    assert 400 <= elsewhere.status_code < 500


def test_an_issues_link_says_who_shows_the_issue_and_shows_nothing_of_it(stack: Stack) -> None:
    answer = requests.get(f"{at(stack, 'mock-jira')}/browse/PROJ-1", headers=BROWSER, timeout=10)
    assert answer.status_code == 200
    assert "get_issue" in answer.text
    assert "Greet people by name" not in answer.text
    odd = requests.get(f"{at(stack, 'mock-jira')}/browse/<script>alert(1)</script>", headers=BROWSER, timeout=10)
    assert "<script>" not in odd.text
