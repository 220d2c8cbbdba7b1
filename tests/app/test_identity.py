"""One person under each part's name: only names that a server reported, each with a reason made of those values."""

from __future__ import annotations

from app.claims import clock
from app.identity import names

FACTS = {
    "username": "alice",
    "email": "alice@example.com",
    "user_id": "8db0f1e4-1111-2222-3333-444455556666",
    "entity": "alice",
    "entity_id": "f631bfbf-1111-2222-3333-444455556666",
}


def test_every_name_is_reported_and_says_why_it_is_the_same_person() -> None:
    found = names({**FACTS, "database_user": "v-alice-abcdefghijkl-1790000000"})
    assert [(one.kind, one.label) for one in found] == [
        ("username", "alice"),
        ("user", "Keycloak user 8db0f1e4…"),
        ("entity", "Vault entity f631bfbf…"),
        ("database", "database user v-alice-abcdefghijkl-1790000000"),
    ]
    _, _, entity, database = found
    assert FACTS["user_id"] in entity.why
    assert "`{{identity.entity.name}}`" in entity.why
    made = f"12 random characters `abcdefghijkl`, made at {clock(1790000000)}"
    assert f"role `alice` (the entity's name, as the policy demands), {made}" in database.why


def test_a_name_that_no_server_reported_is_left_out() -> None:
    assert [one.kind for one in names({**FACTS, "entity_id": ""})] == ["username", "user"]
    assert names({}) == []
    (database,) = names({"database_user": "somebody"})
    assert "role `?`" in database.why
