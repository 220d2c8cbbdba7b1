"""The application's page in a browser: what it holds counts down, and a change at Vault is seen, not its value."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable

import pytest
from playwright.sync_api import expect
from pydantic import SecretStr

from stack.testing import Stack
from tests.support.browser import PATIENCE, Visitor
from tests.support.people import Person
from vault_client.admin import VaultAdmin

KV = "my-vault-app-kv/data/app"


@pytest.mark.disturbs
def test_what_the_application_holds_counts_down_and_a_new_version_is_seen_without_its_value(
    visitor: Callable[[], Visitor], person: Person, stack: Stack
) -> None:
    me = visitor()
    me.sign_in(person, "/application")
    me.sees("It holds all it needs: 3 secrets")
    for kind in ("token", "dynamic", "static"):
        timer = me.page.locator(f".st-key-application-{kind}").get_by_role("timer")
        expect(timer).to_have_text(re.compile(r"^\d+:\d\d left$"), timeout=PATIENCE)
        before = timer.inner_text()
        expect(timer).not_to_have_text(before, timeout=PATIENCE)
    admin = VaultAdmin(stack.url("openbao"), SecretStr(stack.secrets["VAULT_TOKEN"]))
    found = admin.read(KV) or {}
    version, data = found["metadata"]["version"], found["data"]
    expect(me.page.locator(".st-key-application-kv")).to_contain_text(f"version {version}:", timeout=PATIENCE)
    value = f"key-{uuid.uuid4().hex}"
    admin.write(KV, {"data": {"api_key": value}})
    expect(me.page.locator(".st-key-application-kv")).to_contain_text(f"version {version + 1}:", timeout=PATIENCE)
    assert value not in me.words()
    assert not any(str(old) in me.words() for old in data.values())
    admin.write(KV, {"data": data})
    admin.close()
    me.sign_out()
