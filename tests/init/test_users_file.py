"""A users file that cannot be used is refused in one sentence, before anything is written."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from fastmcp_vault.errors import InputError, NotReady
from init.run import run
from init.settings import InitSettings
from init.users import NAME, SHIPPED, load_users

PERSON = "{username: %s, password: p, email: %s@example.com}"


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "users.yaml"
    path.write_text(dedent(text))
    return path


def test_the_projects_own_file_names_alice_bob_and_charlie_and_gives_bob_no_jira() -> None:
    users = {user.username: user for user in load_users(Path("init/users.yaml"))}
    assert set(users) == {"alice", "bob", "charlie"}
    assert users["alice"].entitlements.secrets().keys() == {"jira", "github"}
    assert users["bob"].entitlements.secrets().keys() == {"github"}
    assert users["bob"].entitlements.postgres is not None
    assert users["charlie"].realm_roles == ("facilitator",)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("users: [", "not YAML: line"),
        ("people: []", "holds one list"),
        ("users: []\nmore: 1", "holds one list"),
        ("users: [just-a-name]", "entry 1"),
        (f"users: [{PERSON % ('dora', 'd')}, {PERSON % ('dora', 'e')}]", "'dora' stands twice (entries 1 and 2)"),
        (f"users: [{PERSON % ('dora', 'd')}, {PERSON % ('erik', 'd')}]", "email 'd@example.com' stands twice"),
        (f"users: [{PERSON % ('Alice', 'a')}]", "lower-case"),
        ("users: [{username: a/b, password: p, email: a@example.com}]", "lower-case"),
        ("users: [{username: dora, username: erik}]", "'username' stands twice (line 1)"),
        ("users: [{username: dora, password: p, email: d@example.com, colour: red}]", "colour"),
        ("users: [{username: dora, password: p, email: none}]", "email"),
        ("users: [{username: dora, password: '', email: d@example.com}]", "password"),
        (
            "users: [{username: dora, password: p, email: d@example.com, entitlements: {postgres: {grants: [root]}}}]",
            "unknown grant root",
        ),
        (
            "users: [{username: dora, password: p, email: d@x.com, entitlements: {jira: {email: d@x.com}}}]",
            "api_token",
        ),
        ("users: [{username: dora, password: p, email: d@example.com, realm_roles: [admin]}]", "unknown realm role"),
    ],
)
def test_a_fault_is_named_with_its_place_and_nothing_is_taken(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(InputError) as refused:
        load_users(written(tmp_path, text))
    assert says in str(refused.value)
    assert "nothing has been written" in refused.value.fix


def test_a_refusal_never_repeats_a_password_or_a_token(tmp_path: Path) -> None:
    text = """
    users:
      - username: Dora
        password: a-very-secret-password
        email: dora@example.com
        entitlements: {jira: {email: dora@example.com, api_token: a-very-secret-token, more: 1}}
    """
    with pytest.raises(InputError) as refused:
        load_users(written(tmp_path, text))
    assert "very-secret" not in str(refused.value)


def test_a_file_that_is_not_there_names_the_setting(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="USERS_FILE"):
        load_users(tmp_path / "nobody.yaml")


@given(st.text(max_size=40))
def test_only_names_that_are_safe_everywhere_are_taken(tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    path = tmp_path_factory.mktemp("names") / "users.yaml"
    person = {"username": name, "password": "p", "email": "someone@example.com"}
    path.write_text(yaml.safe_dump({"users": [person]}), encoding="utf-8")
    if NAME.fullmatch(name):
        assert load_users(path)[0].username == name
    else:
        with pytest.raises(InputError):
            load_users(path)


@given(st.from_regex(NAME, fullmatch=True))
def test_a_name_that_is_taken_cannot_leave_its_path_policy_or_role(name: str) -> None:
    assert not set(name) & set("/+*.{}\"'$ \n\0")
    assert len(f"v-{name}-{'r' * 12}-{2**33}") <= 63
    assert name == name.lower()


OWN = {"username": "dana", "password": "a-password-of-her-own", "email": "dana@example.com"}
PUBLISHED = (
    {"password": "alice123"},
    {"password": "charlie123"},
    {"entitlements": {"jira": {"email": "dana@example.com", "api_token": "demo-jira-token-alice"}}},
    {"entitlements": {"github": {"login": "dana", "token": "demo-github-token-bob"}}},
)


def production(path: Path) -> InitSettings:
    demo = InitSettings(users_file=path, keycloak_url="http://localhost:1", vault_addr="http://localhost:1")
    return demo.model_copy(update={"profile": "production", "wait_seconds": 0.1})


@pytest.mark.parametrize("place", ["the file itself", "a link to it", "a copy"])
def test_outside_the_demo_the_published_people_are_refused(tmp_path: Path, place: str) -> None:
    path = tmp_path / "people.yaml"
    if place == "a copy":
        path.write_text(SHIPPED.read_text())
    elif place == "a link to it":
        path.symlink_to(SHIPPED)
    else:
        path = SHIPPED
    with pytest.raises(InputError, match="PROFILE=production, but") as refused:
        run(production(path))
    assert "nothing has been written" in refused.value.fix
    assert not any(value in str(refused.value) for value in ("alice123", "demo-jira-token-alice"))


@pytest.mark.parametrize("changes", PUBLISHED, ids=str)
def test_outside_the_demo_one_published_value_is_enough(tmp_path: Path, changes: dict[str, Any]) -> None:
    path = tmp_path / "people.yaml"
    path.write_text(yaml.safe_dump({"users": [OWN | changes]}))
    with pytest.raises(InputError, match="dana's") as refused:
        run(production(path))
    assert "people.yaml" in refused.value.what
    assert not any(value in str(refused.value) for value in ("alice123", "charlie123", "demo-"))


def test_outside_the_demo_people_of_ones_own_are_taken_by_whatever_name(tmp_path: Path) -> None:
    path = tmp_path / "people.yaml"
    path.write_text(yaml.safe_dump({"users": [OWN | {"username": "alice"}]}))
    with pytest.raises(NotReady):
        run(production(path))
