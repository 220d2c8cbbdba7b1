"""The mocks' OAuth as clients made by others know it: PyGithub's own classes; and what a provider must refuse."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from github import Auth, Github
from github.GithubException import BadCredentialsException

from mock_services.oauth.server import OAuthApp, OAuthRefused, OAuthServer
from tests.mock_services.running import Mocks, running, user

APP = OAuthApp("us", "secret", "Us", ("http://localhost/cb",))
ADDRESS = "http://localhost:8501/auth/connected/github"


@pytest.fixture(scope="module")
def with_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mocks]:
    """The mocks, with an app registered at GitHub."""
    more = {"GITHUB_OAUTH_CLIENT_ID": "us", "GITHUB_OAUTH_CLIENT_SECRET": "a-secret-of-the-app"}
    with running(tmp_path_factory.mktemp("mocks"), more=more) as started:
        yield started


def code_for(mocks: Mocks, name: str) -> str:
    """What a person's yes brings."""
    form = {"client_id": "us", "redirect_uri": ADDRESS, "state": "s", "answer": "yes"}
    form |= {"username": name, "password": f"{name}123"}
    answer = requests.post(f"{mocks.github}/login/oauth/authorize", data=form, timeout=10, allow_redirects=False)
    assert answer.status_code == 303, answer.text
    return parse_qs(urlsplit(answer.headers["Location"]).query)["code"][0]


def test_pygithubs_own_oauth_classes_sign_in_refresh_and_find_a_revoked_token(with_app: Mocks) -> None:
    github = Github(base_url=with_app.github, retry=None, seconds_between_requests=None)
    app = github.get_oauth_application("us", "a-secret-of-the-app")
    page = requests.get(app.get_login_url(redirect_uri=ADDRESS, state="s"), timeout=10)
    assert "MCP Remote Vault</strong> wants to use your GitHub account" in page.text
    token = app.get_access_token(code_for(with_app, "alice"))
    assert token.expires_in == 8 * 3600
    auth = app.get_app_user_auth(token)
    mine = Github(base_url=with_app.github, auth=auth, retry=None, seconds_between_requests=None)
    assert mine.get_user().login == "alice"
    fresh = app.refresh_access_token(token.refresh_token)
    old = Github(base_url=with_app.github, auth=Auth.Token(token.token), retry=None, seconds_between_requests=None)
    with pytest.raises(BadCredentialsException):
        assert old.get_user().login
    late = Auth.AppUserAuth(
        client_id="us",
        client_secret="a-secret-of-the-app",
        token=fresh.token,
        expires_at=datetime.now(UTC),
        refresh_token=fresh.refresh_token,
        refresh_expires_at=fresh.refresh_expires_at,
    )
    by_itself = Github(base_url=with_app.github, auth=late, retry=None, seconds_between_requests=None)
    assert by_itself.get_user().login == "alice"
    assert late.refresh_token not in ("", fresh.refresh_token), "its own class refreshed, and the token rotated"
    end = requests.delete(
        f"{with_app.github}/applications/us/grant",
        auth=("us", "a-secret-of-the-app"),
        json={"access_token": late.token},
        timeout=10,
    )
    assert end.status_code == 204


def test_who_has_no_account_at_github_is_told_so(with_app: Mocks) -> None:
    with_app.write_users([user("alice"), user("dora", github=False)])
    form = {"client_id": "us", "redirect_uri": ADDRESS, "answer": "yes", "username": "dora", "password": "dora123"}
    answer = requests.post(f"{with_app.github}/login/oauth/authorize", data=form, timeout=10, allow_redirects=False)
    assert answer.status_code == 401
    assert "Dora Kim has no GitHub account: the users file names no login for it." in answer.text


def server(*, now: list[float], kept: Path | None = None, reuse_ends: bool = True) -> OAuthServer:
    return OAuthServer(
        [APP],
        access_seconds=100,
        refresh_seconds=1000,
        prefixes=("a_", "r_"),
        reuse_ends=reuse_ends,
        old_access_ends=False,
        kept=kept,
        clock=lambda: now[0],
    )


def granted(oauth: OAuthServer, username: str = "bob") -> str:
    return oauth.authorize(APP, redirect_uri="http://localhost/cb", scopes=["read"], challenge="", username=username)


def test_a_code_is_good_once_for_a_minute_and_for_who_asked() -> None:
    now = [0.0]
    oauth = server(now=now)
    code = granted(oauth)
    for code_sent, address in (("x", "http://localhost/cb"), (code, "http://evil.example/cb")):
        with pytest.raises(OAuthRefused):
            oauth.redeem(APP, code=code_sent, redirect_uri=address, verifier="")
    code = granted(oauth)
    assert oauth.redeem(APP, code=code, redirect_uri="http://localhost/cb", verifier="").scopes == ("read",)
    with pytest.raises(OAuthRefused):
        oauth.redeem(APP, code=code, redirect_uri="http://localhost/cb", verifier="")
    late = granted(oauth)
    now[0] += 61
    with pytest.raises(OAuthRefused):
        oauth.redeem(APP, code=late, redirect_uri="http://localhost/cb", verifier="")


@pytest.mark.parametrize("reuse_ends", [True, False])
def test_a_refresh_token_is_good_once_and_used_again_ends_the_grant_where_the_provider_does_so(
    reuse_ends: bool,
) -> None:
    oauth = server(now=[0.0], reuse_ends=reuse_ends)
    first = oauth.redeem(APP, code=granted(oauth), redirect_uri="http://localhost/cb", verifier="")
    second = oauth.refresh(APP, first.refresh_token)
    with pytest.raises(OAuthRefused):
        oauth.refresh(APP, first.refresh_token)
    assert (oauth.person(second.access_token) is None) is reuse_ends


def test_what_was_granted_outlives_the_process_as_digests(tmp_path: Path) -> None:
    file, now = tmp_path / "grants.json", [0.0]
    pair = server(now=now, kept=file)
    tokens = pair.redeem(APP, code=granted(pair), redirect_uri="http://localhost/cb", verifier="")
    assert tokens.access_token not in file.read_text()
    again = server(now=now, kept=file)
    assert again.person(tokens.access_token) == ("bob", ("read",))
    now[0] += 101
    assert again.person(tokens.access_token) is None
