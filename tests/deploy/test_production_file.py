"""The file that an operator begins with: `.env` out of `.env.example`, and the proxy that has its addresses."""

from __future__ import annotations

import re
import stat
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

from common.published import is_published
from tests.deploy import compose

PROGRAM = compose.ROOT / "deploy" / "production_env.py"


def made(folder: Path, domain: str = "Example.com") -> subprocess.CompletedProcess[str]:
    folder.mkdir(exist_ok=True)
    return subprocess.run([sys.executable, PROGRAM, domain], cwd=folder, check=False, capture_output=True, text=True)


def values(folder: Path) -> dict[str, str]:
    lines = re.findall(r"^([A-Z_]+)=(.*)$", (folder / ".env").read_text(), re.MULTILINE)
    return dict(lines)


def test_every_secret_is_new_and_what_only_the_operator_knows_is_named(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    said = made(first)
    made(second)
    assert said.returncode == 0
    assert stat.S_IMODE((first / ".env").stat().st_mode) == 0o600
    one, other = values(first), values(second)
    assert one["PROFILE"] == "production"
    assert [name for name, value in one.items() if is_published(value) and name != "KEYCLOAK_ADMIN"] == []
    different = {name for name in one if one[name] != other[name]}
    secret = {name for name in one if re.search("PASSWORD|SECRET|SESSION_KEY|MESSENGER_KEY", name) and one[name]}
    assert secret <= different
    named = set(re.findall(r"^  ([A-Z_]+)", said.stdout, re.MULTILINE))
    demanded = {name for name, ways in compose.variables(compose.PRODUCTION).items() if any(k == "?" for k, _ in ways)}
    assert {name for name in demanded if not one.get(name)} == named - {"USERS_FILE"}
    assert not any(re.search("PASSWORD|SECRET", name) for name in named)
    compose.load(compose.PRODUCTION, one | dict.fromkeys(named, "given"))


def test_a_file_that_is_there_stays_as_it_is_and_a_domain_is_one(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("MINE=1\n")
    assert made(tmp_path).returncode == 1
    assert values(tmp_path) == {"MINE": "1"}
    assert made(tmp_path / "new", "https://example.com/").returncode == 1
    assert not (tmp_path / "new" / ".env").exists()


def test_the_proxy_has_every_public_address_and_nothing_else_is_published(tmp_path: Path) -> None:
    made(tmp_path)
    given = values(tmp_path)
    services = compose.load(compose.PRODUCTION, {**dict.fromkeys(given, "x"), **{k: v for k, v in given.items() if v}})[
        "services"
    ]
    proxy = services["proxy"]
    addresses = {name: value for name, value in proxy["environment"].items() if name.endswith("_URL")}
    assert set(re.findall(r"^\{\$([A-Z_]+)\} \{$", (compose.ROOT / "deploy/proxy/Caddyfile").read_text(), re.M)) == set(
        addresses
    )
    assert {urlsplit(url).hostname for url in addresses.values()} == set(proxy["networks"]["default"]["aliases"])
    published = {name for name, service in compose.load(compose.DEMO)["services"].items() if service.get("ports")}
    for name in published - {"agents", "mock", "chatbot", "observability-check"}:
        assert services[name]["ports"] == []
        assert isinstance(services[name]["ports"], compose.Instead)
