"""A draft is its person's, by issuer and user id: encrypted, given back once, and gone after its time."""

from __future__ import annotations

from cryptography.fernet import Fernet
from pydantic import SecretStr

from fastmcp_vault.state import State
from tests.state.conftest import Database

KEY = SecretStr(Fernet.generate_key().decode())
ISS = "http://keycloak/realms/one"


async def test_a_draft_is_given_back_once_and_to_its_person_only(database: Database) -> None:
    async with State(database.dsn, session_keys=[KEY]) as state:
        await state.drafts.keep(b"first", iss=ISS, sub="1a", lifetime=60)
        await state.drafts.keep(b"what alice typed", iss=ISS, sub="1a", lifetime=60)
        await state.drafts.keep(b"what bob typed", iss=ISS, sub="2b", lifetime=60)
        for iss, sub in ((ISS, "1A"), ("http://keycloak/realms/two", "1a"), (f'{ISS}", "1a', ""), ("", f"{ISS}1a")):
            assert await state.drafts.take(iss=iss, sub=sub) is None
        assert await state.drafts.take(iss=ISS, sub="1a") == b"what alice typed"
        assert await state.drafts.take(iss=ISS, sub="1a") is None
        assert await state.drafts.take(iss=ISS, sub="2b") == b"what bob typed"


async def test_it_ends_by_itself_and_lies_there_unreadable(database: Database) -> None:
    async with State(database.dsn, session_keys=[KEY]) as state:
        await state.drafts.keep(b"what alice typed", iss=ISS, sub="alice's id", lifetime=60)
        (row,) = await database.run("SELECT owner, data FROM drafts")
        assert not any(known in str(row) for known in ("alice", "typed", ISS))
        await database.run("UPDATE drafts SET expires_at = now() - interval '1 second'")
        assert await state.drafts.take(iss=ISS, sub="alice's id") is None
        await state.drafts.keep(b"x", iss=ISS, sub="1a", lifetime=-1)
        assert await state.prune() == 1
        await state.drafts.keep(b"x", iss=ISS, sub="1a", lifetime=60)
    async with State(database.dsn, session_keys=[SecretStr(Fernet.generate_key().decode())]) as other:
        assert await other.drafts.take(iss=ISS, sub="1a") is None
