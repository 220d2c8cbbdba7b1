"""The process: hosts, correlation, logs, people that come and go, start and end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from tests.mock_services.running import ROOT, Mocks, environment, user
from tests.support.eventually import eventually


@pytest.mark.parametrize("service", ["jira", "github"])
def test_only_known_hosts_are_answered(mocks: Mocks, http: requests.Session, service: str) -> None:
    url = getattr(mocks, service)
    port = url.rsplit(":", 1)[1]
    for host in (f"localhost:{port}", f"127.0.0.1:{port}", f"mock:{port}"):
        assert http.get(f"{url}/health", headers={"Host": host}).status_code == 200
    for host in (f"evil.example:{port}", "localhost.evil.example", "[::1]"):
        assert http.get(f"{url}/health", headers={"Host": host}).status_code == 400


@pytest.mark.parametrize("service", ["jira", "github"])
async def test_a_correlation_id_comes_back_and_is_logged(mocks: Mocks, http: requests.Session, service: str) -> None:
    url = getattr(mocks, service)
    answer = http.get(f"{url}/nothing", headers={"X-Correlation-Id": f"test-{service}-1"})
    assert answer.headers["X-Correlation-Id"] == f"test-{service}-1"
    await eventually(lambda: f"correlation=test-{service}-1" in mocks.log.read_text())
    made_up = http.get(f"{url}/nothing").headers["X-Correlation-Id"]
    assert len(made_up) == 32
    assert (
        http.get(f"{url}/nothing", headers={"X-Correlation-Id": "bad id\tx"}).headers["X-Correlation-Id"] != "bad id\tx"
    )


async def test_no_token_reaches_the_log(mocks: Mocks, http: requests.Session) -> None:
    secrets = [mocks.github_token("alice"), mocks.jira_login("alice")[1], "a-wrong-one"]
    http.get(f"{mocks.jira}/rest/api/3/myself", auth=mocks.jira_login("alice"))
    http.get(f"{mocks.jira}/rest/api/3/myself", auth=("alice@example.com", "a-wrong-one"))
    http.get(f"{mocks.github}/user", headers=mocks.bearer("alice"))
    http.get(f"{mocks.github}/user?access_token={secrets[0]}", headers={"Authorization": "Bearer a-wrong-one"})
    # A line is written after its answer has been sent.
    await eventually(lambda: "'/user' 401" in mocks.log.read_text())
    log = mocks.log.read_text()
    assert [secret for secret in secrets if secret in log] == []
    assert "Authorization" not in log


def test_a_body_beyond_the_limit_is_refused(mocks: Mocks, http: requests.Session) -> None:
    answer = http.post(f"{mocks.github}/repos/example/handbook/issues", data=b"x" * (10 * 1024 * 1024 + 1))
    assert answer.status_code == 413


def test_people_come_and_go_with_the_file(alone: Mocks, http: requests.Session) -> None:
    def jira(name: str) -> int:
        return http.get(f"{alone.jira}/rest/api/3/myself", auth=alone.jira_login(name)).status_code

    def github(name: str) -> int:
        return http.get(f"{alone.github}/user", headers=alone.bearer(name)).status_code

    assert (jira("alice"), jira("dora"), github("dora")) == (200, 401, 401)
    alone.write_users([user("alice", jira=False), user("dora")])
    assert (jira("alice"), jira("dora"), github("dora"), github("bob")) == (401, 200, 200, 401)
    seen = http.get(f"{alone.github}/user/repos", headers=alone.bearer("dora")).json()
    assert {"dora/notes", "dora/dotfiles"} <= {repository["full_name"] for repository in seen}


def test_a_broken_file_leaves_everybody_where_they_were(alone: Mocks, http: requests.Session) -> None:
    alone.users_file.write_text("users: [")
    assert http.get(f"{alone.github}/user", headers=alone.bearer("alice")).status_code == 200
    assert "kept the people read before" in alone.log.read_text()
    alone.users_file.unlink()
    assert http.get(f"{alone.github}/user", headers=alone.bearer("alice")).status_code == 200


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_cleanly_when_told_to(alone: Mocks, number: signal.Signals) -> None:
    alone.process.send_signal(number)
    assert alone.process.wait(30) == 0


def start(env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mock_services", "jira", "github"],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_it_says_in_a_sentence_why_it_cannot_start(mocks: Mocks, tmp_path: Path) -> None:
    taken = int(mocks.github.rsplit(":", 1)[1])
    free = {"jira": 1, "github": taken}
    cases = [
        (environment(mocks.users_file, free | {"jira": taken}), f"Port {taken} for the mock jira cannot be used"),
        (environment(tmp_path / "none.yaml", free), "none.yaml (MOCK_USERS_FILE) cannot be read: No such file"),
        (environment(mocks.users_file, free) | {"MOCK_GITHUB_PORT": "many"}, "not usable: MOCK_GITHUB_PORT"),
    ]
    for env, sentence in cases:
        ended = start(env)
        assert ended.returncode == 1
        assert sentence in ended.stderr
        assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("content", "sentence"),
    [("users: [", "is not valid YAML."), ("people: []", "has no list `users`."), ("users: [{}]", "has no `username`.")],
)
def test_a_file_that_holds_no_people_is_refused_at_start(tmp_path: Path, content: str, sentence: str) -> None:
    users = tmp_path / "users.yaml"
    users.write_text(content)
    ended = start(environment(users, {"jira": 1, "github": 2}))
    assert (ended.returncode, sentence in ended.stderr) == (1, True)
    assert os.linesep not in ended.stderr.strip()
