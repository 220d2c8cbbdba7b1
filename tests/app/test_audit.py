"""A person's lines of Vault's audit log: all of theirs, nobody else's, joined to what they did."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from app import audit, my_secrets, who_did
from app.actions import load_tools
from app.audit import AuditLine, AuditReport, joined, origin, read
from app.process import AppProcess
from app.session import Visit
from app.texts import t
from app.who_did import WhoDid
from fastmcp_vault.errors import ConfigError, NotReady, Problem, VaultDenied
from fastmcp_vault.state.audit_rows import AuditRow
from fastmcp_vault.tracing import Exchange, Step, Trace
from stack.testing import Stack
from tests.app.conftest import ALICE, FRAME, Straight
from tests.app.serving import cookie_of, process_of
from tests.support.people import Person

CALL = {
    **{"at": 1.0, "person": "alice", "client": "mcp-demo-app", "server": "mcp-jira", "tool": "get_issue"},
    **{"outcome": "refused", "reason": "*no*", "correlation_id": "c-1", "lost_before": 2},
    "credential": "secret/data/users/alice/jira",
}
DEED = {"at": 1.0, "person": "bob", "deed": "suspended", "by": "charlie", "reason": "why"}

HERS, HIS = "11111111-aaaa", "22222222-bbbb"
T0 = "2026-11-21T10:00:00.123456789Z"


def entry(entity: str = HERS, *, made_for: str = "", path: str = "secret/data/users/a/jira", **more: Any) -> bytes:
    """A line as Vault writes it: somebody's request, or a login (nobody yet, and who it was in the answer)."""
    server = {"metadata": {"server": "mcp-jira", "username": "a"}}
    line = {
        "time": T0,
        "type": "response",
        "auth": {"entity_id": entity, **server} if entity else {},
        "request": {"id": "r-1", "operation": "read", "path": path, "headers": more.pop("headers", {})},
        "response": {"auth": {"entity_id": made_for, **server}} if made_for else {},
        **more,
    }
    return json.dumps(line).encode() + b"\n"


def written(folder: Path, *lines: bytes) -> Path:
    path = folder / "audit.log"
    path.write_bytes(b"".join(lines))
    return path


def test_what_was_put_aside_a_moment_ago_is_still_looked_at(tmp_path: Path) -> None:
    new, old = entry(path="secret/data/new"), entry(path="secret/data/old")
    written(tmp_path, new)
    (tmp_path / "audit.log.1").write_bytes(entry(path="secret/data/older") + old)
    assert [line.path for line in read(tmp_path / "audit.log", HERS)[0]] == [
        f"secret/data/{n}" for n in ("new", "old", "older")
    ]
    just_enough = len(new) + len(old) + 5
    assert [line.path for line in read(tmp_path / "audit.log", HERS, tail=just_enough)[0]] == [
        "secret/data/new",
        "secret/data/old",
    ]
    assert [line.path for line in read(tmp_path / "audit.log", HERS, tail=len(new) + 5)[0]] == ["secret/data/new"]


def test_a_line_is_whose_vault_says_it_is_and_no_request_of_another_s_can_claim_it(tmp_path: Path) -> None:
    mine = entry()
    login = entry("", made_for=HERS, path="auth/jwt/login")
    others = [
        entry(HIS),
        entry(HIS, path=f"identity/entity/id/{HERS}"),
        entry(HIS, headers={"x-correlation-id": [HERS]}),
        entry(HIS, made_for=HERS),
        entry(HIS, error=f'{{"entity_id": "{HERS}"}}'),
        entry("", path=f"secret/{HERS}"),
        entry(type="request"),
        b'{"type": "response", "auth": {"entity_id": "' + HERS.encode() + b'"}}\n',
        f'"{HERS}"\n[{{"entity_id": "{HERS}"}}]\n'.encode(),
        mine[: len(mine) // 2],
    ]
    lines, since = read(written(tmp_path, mine, login, *others), HERS)
    assert [line.path for line in lines] == ["auth/jwt/login", "secret/data/users/a/jira"]
    assert {line.server for line in lines} == {"mcp-jira"}
    assert since == pytest.approx(1_795_255_200.123456)
    for nobody in ("", "11111111"):
        assert read(tmp_path / "audit.log", nobody)[0] == []


def test_only_the_end_of_the_file_is_read_and_only_so_many_lines_are_kept(tmp_path: Path) -> None:
    one = entry()
    path = written(tmp_path, *(entry(path=f"p/{number:04}") for number in range(1000)))
    lines, _ = read(path, HERS, tail=len(one) * 10)
    assert 5 <= len(lines) <= 11
    assert lines[0].path == "p/0999"
    assert [line.path for line in read(path, HERS, limit=2)[0]] == ["p/0999", "p/0998"]


def test_a_line_is_joined_to_the_action_by_correlation_id_and_to_the_step_by_vault_s_request_id(tmp_path: Path) -> None:
    (line,), _ = read(written(tmp_path, entry(headers={"x-correlation-id": ["t-1"]})), HERS)
    answer = json.dumps({"request_id": "r-1", "data": {}})
    exchange = Exchange(method="GET", url="http://vault", started_at=0.0, response_body=answer)
    trace = Trace(id="t-1", action="Jira: get_issue", started_at=0.0, steps=[Step(kind="credential", started_at=0.0)])
    assert joined([line], [trace])[0].action == "Jira: get_issue"
    assert joined([line], [trace])[0].step == ""
    trace.steps[0].exchanges.append(exchange)
    assert joined([line], [trace])[0].step.startswith("6 · ")
    assert joined([line], [])[0].action == ""


def test_what_a_server_asked_beside_a_call_is_named_where_the_call_is_known(tmp_path: Path) -> None:
    headers = {"x-correlation-id": ["t-1"]}
    asked = [entry(path=path, headers=headers) for path in ("secret/metadata/users/a/jira", "auth/token/lookup-self")]
    lines, _ = read(written(tmp_path, *asked, entry(headers=headers)), HERS)
    trace = Trace(id="t-1", action="Jira: get_issue", started_at=0.0)
    beside = t("audit.beside")
    assert [line.step for line in joined(lines, [trace])] == ["", beside, beside]
    assert {line.step for line in joined(lines, [])} == {""}


@pytest.mark.parametrize(
    ("operation", "path", "policy", "refusal", "expected"),
    [
        ("create", "secret/data/users/a/accounts/jira", "connector", "", "connected"),
        ("update", "secret/data/users/a/accounts/jira", "connector", "", "connected"),
        ("update", "secret/data/users/a/accounts/jira", "mcp-jira", "", "refreshed"),
        ("update", "secret/destroy/users/a/accounts/jira", "mcp-jira", "", "replaced"),
        ("update", "secret/metadata/users/a/accounts/jira", "mcp-jira", "", "told"),
        ("delete", "secret/metadata/users/a/accounts/jira", "disconnector", "", "disconnected"),
        ("read", "secret/data/users/a/accounts/jira", "mcp-jira", "", ""),
        ("update", "secret/data/users/a/accounts/jira", "", "permission denied", ""),
        ("update", "secret/data/users/a/jira", "connector", "", ""),
    ],
)
def test_what_was_done_to_a_connected_account_is_named(
    operation: str, path: str, policy: str, refusal: str, expected: str
) -> None:
    one = replace(line(0, path=path, refusal=refusal), operation=operation, policies=(policy,))
    assert audit.deed(one) == expected
    assert joined([one], [])[0].step == (t(f"audit.account.{expected}") if expected else "")


async def test_two_people_each_see_their_own_lines_with_the_steps_that_made_them_and_no_secret(
    stack: Stack, person: Person, new_person: Callable[[], Person]
) -> None:
    other = new_person()
    async with process_of(stack) as process:
        cookies = {one.username: await cookie_of(process, stack, one) for one in (person, other)}
        done = {name: await load_tools(process, cookie, ["jira"]) for name, cookie in cookies.items()}
        revealed = await my_secrets.reveal(process, cookies[person.username], "jira", 1)

        async def pry(held: Any) -> None:
            await process.vault.read(held.login.token, f"secret/data/users/{other.username}/jira")

        session = await process.sessions.renewed(cookies[person.username])
        with pytest.raises(VaultDenied):
            await process.person_vault.use(session, pry)
        told = {name: await audit.look(process, cookie) for name, cookie in cookies.items()}
        for cookie in cookies.values():
            await process.sessions.end(cookie)
    for name, stranger in ((person.username, other.username), (other.username, person.username)):
        whose = {line.raw["auth"]["metadata"]["username"] for line in told[name].lines}
        assert (told[name].entity, whose) == (name, {name})
        lines = joined(told[name].lines, [done[name].trace])
        jira = [line for line in lines if line.server == "mcp-jira" and line.action]
        assert {line.step.partition(" · ")[0] for line in jira} >= {"5", "6"}
        assert not any(line.action for line in joined(told[stranger].lines, [done[name].trace]))
    refused = next(line for line in told[person.username].lines if line.refusal)
    assert refused.path == f"secret/data/users/{other.username}/jira"
    assert refused not in told[other.username].lines
    assert revealed["api_token"].get_secret_value() not in repr(told)


async def test_without_a_log_or_with_one_that_cannot_be_read_there_is_a_sentence(stack: Stack, person: Person) -> None:
    for file, expected in (("", NotReady), ("/nowhere/audit.log", ConfigError)):
        async with process_of(stack, AUDIT_FILE=file) as process:
            cookie = await cookie_of(process, stack, person)
            with pytest.raises(expected) as refused:
                await audit.look(process, cookie)
            assert "AUDIT_FILE" in refused.value.fix
            await process.sessions.end(cookie)


@pytest.fixture
def page(app: AppTest, looked_up: Callable[[Visit], None], monkeypatch: pytest.MonkeyPatch) -> Callable[..., AppTest]:
    def shows(told: AuditReport | Problem, **query: str) -> AppTest:
        running = SimpleNamespace(loop=Straight(), settings=SimpleNamespace(audit_file="", logs_dir=""))
        monkeypatch.setattr(AppProcess, "current", classmethod(lambda cls: running))
        monkeypatch.setattr(audit, "look", lambda *_: told)
        monkeypatch.setattr(who_did, "look", lambda *_: WhoDid([AuditRow(2, 0.0, CALL), AuditRow(1, 0.0, DEED)], True))
        looked_up(Visit(person=ALICE, cookie="opaque"))
        app.query_params.update(query)
        app.run()
        return app.switch_page(str(FRAME.parent / "audit.py")).run()

    return shows


def line(number: int, *, server: str = "mcp-jira", refusal: str = "", path: str = "p") -> AuditLine:
    return AuditLine(
        time.time() - number, f"r-{number}", f"c-{number // 2}", "read", path, server, (), refusal, {"id": number}
    )


def test_the_filter_narrows_to_servers_words_and_refusals(page: Callable[..., AppTest]) -> None:
    lines = [line(0), line(1), line(2, server="mcp-demo-app", path="here"), line(3, refusal="permission denied")]
    trace = Trace(id="t-1", action="Look at the audit log", started_at=time.time())
    app = page(AuditReport("alice", lines, time.time() - 60, trace))
    assert not app.exception
    verdict = app.warning[-1].value
    assert "4 requests reached Vault as alice" in verdict
    assert "Vault refused 1 of them" in verdict

    def count() -> str:
        return next(heading.value for heading in app.subheader if "requests" in heading.value)

    assert count().startswith("4 of 4")
    assert len(app.expander) == 2, "lines of one action lie together"
    app.text_input(key="arg.audit.text").input("HERE").run()
    assert count().startswith("1 of 4")
    app.text_input(key="arg.audit.text").input("").run()
    app.toggle(key="pick.audit.refused").set_value(True).run()
    assert count().startswith("1 of 4")
    app.toggle(key="pick.audit.refused").set_value(False).run()
    app.button_group(key="pick.audit.servers").set_value(["mcp-demo-app"]).run()
    assert count().startswith("1 of 4")
    assert not app.exception


def test_where_there_is_no_log_the_page_says_so(page: Callable[..., AppTest]) -> None:
    app = page(NotReady("This app has no audit log to read.", fix="Set `AUDIT_FILE`."))
    lost, none = app.warning
    assert "2 calls between these rows were not written down" in lost.value
    assert "This app has no audit log to read." in none.value.replace("\\", "")
    assert not app.expander
    rows = app.dataframe[0].value.to_dict("records")
    assert [row["outcome"] for row in rows] == ["refused: *no*", "suspended by charlie. why"]
    assert [row["person"] for row in rows] == ["alice", "bob"]


def test_the_row_that_a_link_names_is_opened_with_what_could_not_be_joined(page: Callable[..., AppTest]) -> None:
    app = page(NotReady("This app has no audit log to read."), id="c-1")
    said = " ".join(text.value for text in app.markdown)
    assert "`secret/data/users/alice/jira`" in said
    assert r"refused\: \*no\*" in said, "as text, not as Markdown"
    for part in ("Vault", "MCP server", "Back end"):
        assert rf"**{part}**: not joined\:" in said


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"action": "Jira: get_issue"}, "here"),
        ({"server": "lab-vault"}, "lab"),
        ({"correlation_id": ""}, "itself"),
        ({"sid": "s-1"}, "tab"),
        ({"sid": "s-2"}, "elsewhere"),
    ],
)
def test_a_line_that_this_tab_did_not_make_is_named_for_what_it_is(more: dict[str, str], expected: str) -> None:
    (one,) = joined([replace(line(0), **more)], [])
    known = replace(one, action=more.get("action", ""))
    assert origin(known, "s-1") == expected
    assert t(f"audit.origin.{expected}")


def test_what_the_lab_did_in_this_tab_is_known_by_its_id() -> None:
    one = line(0)
    (found,) = joined([one], [], {one.correlation_id: "Isolation: secret/data/users/bob/jira"})
    assert origin(found, "s-1") == "here"
    assert found.action.startswith("Isolation")
