"""What is a person's own at Vault, read as that person: theirs alone, one login a session, gone with it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from types import SimpleNamespace

import psycopg
import pytest
from pydantic import SecretStr
from streamlit.testing.v1 import AppTest

from app import my_secrets
from app.my_secrets import Answered, Mine, OwnDatabaseUser, SecretsDone, Stored
from app.process import AppProcess
from app.providers import Providers
from app.session import Visit
from fastmcp_vault.errors import (
    BackendRefused,
    CredentialMissing,
    InputError,
    SessionEnded,
    VaultDenied,
    VaultUnavailable,
)
from fastmcp_vault.tracing import Trace
from fastmcp_vault.tracing.export import as_json
from fastmcp_vault.vault import KVVersion
from fastmcp_vault.vault.admin import VaultAdmin
from stack.testing import Stack
from tests.app.conftest import ALICE, FRAME, Straight
from tests.app.serving import cookie_of, process_of
from tests.support.eventually import eventually
from tests.support.people import Person


@pytest.fixture
async def process(stack: Stack) -> AsyncIterator[AppProcess]:
    async with process_of(stack) as made:
        yield made


async def mine(process: AppProcess, cookie: str) -> Mine:
    done = await my_secrets.look(process, cookie)
    assert done.mine is not None, done.problem
    return done.mine


def exists(stack: Stack, user: str) -> bool:
    with psycopg.connect(
        host="localhost",
        port=stack.ports["postgres"],
        user="postgres",
        password=stack.secrets["POSTGRES_ADMIN_PASSWORD"],
    ) as connection:
        return connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [user]).fetchone() is not None


async def test_stored_secrets_are_masked_revealed_on_purpose_and_read_with_one_login(
    process: AppProcess, stack: Stack, person: Person
) -> None:
    cookie = await cookie_of(process, stack, person)
    done = await my_secrets.look(process, cookie)
    assert done.mine is not None
    assert done.mine.entity == person.username
    assert "user-secrets" in done.mine.policies
    assert [stored.name for stored in done.mine.stored] == ["github", "jira"]
    jira = done.mine.stored[1]
    assert jira.path == f"secret/data/users/{person.username}/jira"
    assert jira.fields["email"] == person.email
    token = person.entitlements["jira"]["api_token"]
    assert token not in repr(done)
    assert token not in as_json(done.trace)
    kinds = [step.kind for step in done.trace.steps if step.status == "done"]
    assert kinds == ["jwt", "person-exchange", "person-login", "person-entity", "own-secret"]
    assert (await my_secrets.reveal(process, cookie, "jira", 1))["api_token"].get_secret_value() == token
    again = await my_secrets.look(process, cookie)
    assert {s.kind: s.status for s in again.trace.steps}["person-login"] == "reused"
    session = await process.sessions.find(cookie)
    held = await process.state.vault_tokens.of_session(session.sid)
    assert [(one.server, one.username) for one in held] == [("mcp-demo-app", person.username)]
    await process.sessions.end(cookie)


async def test_versions_are_listed_and_an_old_one_can_be_read_until_it_is_deleted(
    process: AppProcess, stack: Stack, person: Person
) -> None:
    cookie = await cookie_of(process, stack, person)
    admin = VaultAdmin(stack.url("openbao"), SecretStr(stack.secrets["VAULT_TOKEN"]))
    path = f"users/{person.username}/github"
    token = person.entitlements["github"]["token"]
    first = admin.write(f"secret/data/{path}", {"data": {"login": person.username, "token": token}})["version"]
    admin.write(f"secret/data/{path}", {"data": {"login": person.username, "token": "another"}})
    stored = (await mine(process, cookie)).stored[0]
    assert [(one.number, one.gone) for one in stored.versions][:2] == [(first + 1, False), (first, False)]
    for version, value in ((first, token), (first + 1, "another")):
        assert (await my_secrets.reveal(process, cookie, "github", version))["token"].get_secret_value() == value
    admin.write(f"secret/delete/{path}", {"versions": [first + 1]})
    stored = (await mine(process, cookie)).stored[0]
    assert isinstance(stored.problem, CredentialMissing)
    assert [(one.number, one.gone) for one in stored.versions][:2] == [(first + 1, True), (first, False)]
    admin.write(f"secret/undelete/{path}", {"versions": [first + 1]})
    admin.close()
    await process.sessions.end(cookie)


async def test_a_database_user_is_made_tried_renewed_and_revoked(
    process: AppProcess, stack: Stack, person: Person
) -> None:
    cookie = await cookie_of(process, stack, person)
    assert (await my_secrets.renew(process, cookie)).problem is not None, "there is none yet"
    made = await my_secrets.make_user(process, cookie)
    assert made.mine is not None
    user = made.mine.user
    assert user is not None
    assert user.lives
    assert 0 < user.until - time.time() <= 300, "it ends with the login that made it"
    assert exists(stack, user.username)
    password = (await my_secrets.password(process, cookie)).get_secret_value()
    assert password not in repr(made)
    assert password not in as_json(made.trace)
    tried = await my_secrets.try_user(process, cookie)
    assert tried.answered is not None
    assert tried.answered.user == user.username
    assert "public.products" in tried.answered.tables
    renewed = await my_secrets.renew(process, cookie)
    assert renewed.mine is not None
    assert renewed.mine.user is not None
    assert renewed.mine.user.until > user.until
    assert (await my_secrets.revoke(process, cookie)).problem is None
    await eventually(lambda: not exists(stack, user.username))
    refused = await my_secrets.try_user(process, cookie)
    assert isinstance(refused.problem, BackendRefused)
    left = (await mine(process, cookie)).user
    assert left is not None
    assert not left.lives
    other = await my_secrets.make_user(process, cookie)
    third = await my_secrets.make_user(process, cookie)
    assert other.mine is not None
    assert third.mine is not None
    assert other.mine.user is not None
    before = other.mine.user.username
    await eventually(lambda: not exists(stack, before))  # one at a time
    await process.sessions.end(cookie)


async def test_nobody_reaches_what_is_another_s(
    process: AppProcess, stack: Stack, person: Person, new_person: Callable[[], Person]
) -> None:
    other = new_person()
    cookie = await cookie_of(process, stack, person)
    for name in (f"../{other.username}/jira", "..", "jira/../../x", ""):
        with pytest.raises(InputError):
            await my_secrets.reveal(process, cookie, name, 1)

    async def reach(path: str) -> None:
        session = await process.sessions.renewed(cookie)
        await process.person_vault.use(session, lambda held: process.vault.read(held.login.token, path))

    for path in (f"secret/data/users/{other.username}/jira", f"database/creds/{other.username}"):
        with pytest.raises(VaultDenied):
            await reach(path)
    await process.sessions.end(cookie)
    with pytest.raises(SessionEnded):
        await my_secrets.reveal(process, cookie, "jira", 1)


async def test_signing_out_ends_the_login_and_the_database_user(
    process: AppProcess, stack: Stack, person: Person
) -> None:
    cookie = await cookie_of(process, stack, person)
    made = await my_secrets.make_user(process, cookie)
    assert made.mine is not None
    assert made.mine.user is not None
    user = made.mine.user.username
    session = await process.sessions.find(cookie)
    await process.state.end_session(session.sid, session.sub)
    async with asyncio.timeout(20):
        while await process.state.vault_tokens.of_session(session.sid):  # noqa: ASYNC110 - the state tells
            await asyncio.sleep(0.02)
    await eventually(lambda: not exists(stack, user))
    assert isinstance((await my_secrets.look(process, cookie)).problem, SessionEnded)


async def test_a_login_that_vault_ended_is_made_anew_and_a_missing_right_is_said(
    process: AppProcess, stack: Stack, person: Person, everybody: dict[str, Person]
) -> None:
    cookie = await cookie_of(process, stack, person)
    await my_secrets.look(process, cookie)
    session = await process.sessions.find(cookie)
    (held,) = await process.state.vault_tokens.of_session(session.sid)
    admin = VaultAdmin(stack.url("openbao"), SecretStr(stack.secrets["VAULT_TOKEN"]))
    admin.write("auth/token/revoke-accessor", {"accessor": held.accessor})
    assert len((await mine(process, cookie)).stored) == 2
    admin.close()
    charlie = await cookie_of(process, stack, everybody["charlie"])
    assert (await mine(process, charlie)).stored == []
    assert isinstance((await my_secrets.make_user(process, charlie)).problem, CredentialMissing)
    for one in (cookie, charlie):
        await process.sessions.end(one)


TRACE = Trace(id="t-1", action="My secrets", started_at=1_790_000_000.0, steps=[])
JIRA = Stored(
    "jira", "secret/data/users/alice/jira", {"api_token": "demo…lice"}, [KVVersion(1, 1_790_000_000.0, False)]
)


@pytest.fixture
def page(app: AppTest, looked_up: Callable[[Visit], None], monkeypatch: pytest.MonkeyPatch) -> Callable[..., AppTest]:
    """The page for what a look comes to."""

    def shows(done: SecretsDone | Exception, **actions: SecretsDone) -> AppTest:
        running = SimpleNamespace(loop=Straight(), providers=Providers({}))
        monkeypatch.setattr(AppProcess, "current", classmethod(lambda cls: running))
        for name, outcome in {"look": done, **actions}.items():
            monkeypatch.setattr(my_secrets, name, lambda *_, found=outcome: found)
        looked_up(Visit(person=ALICE, cookie="opaque"))
        app.run()
        return app.switch_page(str(FRAME.parent / "my_secrets.py")).run()

    return shows


def said(app: AppTest) -> str:
    assert not app.exception
    kinds = [*app.markdown, *app.caption, *app.success, *app.warning, *app.error]
    texts = [str(element.value) for element in kinds]
    texts += [str(cell) for element in app.table for cell in element.value.to_numpy().flatten()]
    return "\n".join(texts).replace("\\", "")


def test_the_page_says_whom_vault_takes_one_for_and_shows_nothing_unmasked(page: Callable[..., AppTest]) -> None:
    app = page(SecretsDone(TRACE, Mine("alice", ("user-secrets",), time.time() + 99, [JIRA], None)))
    assert app.success[0].value.startswith("Vault takes you for alice: 1 stored")
    assert "`demo…lice`" in said(app)
    assert [button.label for button in app.button] == ["Reveal for 10 seconds", "Make a database user"]


def test_nothing_stored_and_vault_away_are_sentences(page: Callable[..., AppTest]) -> None:
    empty = said(page(SecretsDone(TRACE, Mine("charlie", (), time.time() + 99, [], None))))
    assert "Nothing at `secret/data/users/charlie/`" in empty
    assert "Vault is down." in said(page(SecretsDone(TRACE, problem=VaultUnavailable("Vault is down.", fix="Wait."))))


def test_a_user_whose_time_is_over_can_be_tried_and_not_renewed(page: Callable[..., AppTest]) -> None:
    over = Mine("alice", (), time.time() + 99, [], OwnDatabaseUser("v-alice-1", "a…z", time.time() - 5, lives=False))
    refusal = BackendRefused("PostgreSQL does not know v-alice-1 any more.", fix="Make a new one.")
    app = page(SecretsDone(TRACE, over), try_user=SecretsDone(TRACE, problem=refusal))
    labels = [button.label for button in app.button]
    assert "Try it" in labels
    assert "Make a database user" in labels
    assert not {"Renew", "Revoke"} & set(labels)
    app.button(key="own.user.try.user").click().run()
    assert "PostgreSQL does not know v-alice-1 any more" in said(app)


def test_what_postgresql_answered_stands_with_the_user(page: Callable[..., AppTest]) -> None:
    alive = Mine("alice", (), time.time() + 99, [], OwnDatabaseUser("v-alice-1", "a…z", time.time() + 50, lives=True))
    answered = Answered("v-alice-1", ["public.orders"], 12.0)
    app = page(SecretsDone(TRACE, alive), try_user=SecretsDone(TRACE, alive, answered))
    app.button(key="own.user.try.user").click().run()
    assert "PostgreSQL answered `v-alice-1` in 12 ms. It may use: `public.orders`" in said(app)
