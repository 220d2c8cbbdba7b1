"""The one place where HTTP clients are made: bounded time and connections, no redirects, no proxies, no cookies.

A client is shared by many people. A cookie that a server sets beside one person's answer can be a session of theirs
(Jira Data Center's `JSESSIONID`), and would go out with the next person's request.
"""

from __future__ import annotations

from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx2
import requests
from requests.adapters import HTTPAdapter

CONNECT_SECONDS = 1.0
"""Loopback or a cluster network: a connection that takes longer than this is an outage."""

READ_SECONDS = 10.0

IDLE_SECONDS = 3.0
"""An unused connection is closed after this: before the other side does it, which for uvicorn is 5 s. A request on a
connection that is being closed there is lost."""


def async_client(
    *,
    base_url: str = "",
    timeout: float = READ_SECONDS,
    connections: int = 100,
    transport: httpx2.AsyncBaseTransport | None = None,
    auth: httpx2.Auth | None = None,
) -> httpx2.AsyncClient:
    """An async client for servers and for the app's routes; the caller closes it. Times in seconds."""
    return httpx2.AsyncClient(
        base_url=base_url,
        timeout=httpx2.Timeout(timeout, connect=CONNECT_SECONDS),
        transport=transport or async_transport(connections=connections),
        follow_redirects=False,
        trust_env=False,
        auth=auth,
        cookies=CookieJar(_no_cookies()),
    )


def async_transport(*, connections: int = 100) -> httpx2.AsyncHTTPTransport:
    """The pooled transport under :func:`async_client`, apart so that the trace can wrap it."""
    return httpx2.AsyncHTTPTransport(
        limits=httpx2.Limits(
            max_connections=connections, max_keepalive_connections=connections, keepalive_expiry=IDLE_SECONDS
        )
    )


class ResponseTooLarge(requests.RequestException):
    """A response's body is longer than ``limit`` bytes; it was not read to its end."""

    def __init__(self, limit: int, request: requests.PreparedRequest) -> None:
        super().__init__(f"the response is larger than {limit} bytes", request=request)
        self.limit = limit


class TimedSession(requests.Session):
    """A ``requests`` session whose every call has a time limit (seconds) and a bounded pool.

    hvac and python-keycloak take a session but do not always pass a timeout; this one never
    waits for ever. With ``max_response_size`` (bytes, unpacked) a longer body raises ResponseTooLarge.
    """

    def __init__(
        self, *, timeout: float = READ_SECONDS, connections: int = 20, max_response_size: int | None = None
    ) -> None:
        super().__init__()
        self.timeout = timeout
        self.max_response_size = max_response_size
        self.trust_env = False
        self.cookies.set_policy(_no_cookies())
        adapter = HTTPAdapter(pool_connections=connections, pool_maxsize=connections)
        self.mount("http://", adapter)
        self.mount("https://", adapter)

    def send(self, request: requests.PreparedRequest, **kwargs: object) -> requests.Response:
        """Send one prepared request, with this session's limits where the caller set none."""
        if kwargs.get("timeout") is None:
            kwargs["timeout"] = (CONNECT_SECONDS, self.timeout)
        if self.max_response_size is None:
            return super().send(request, **kwargs)  # type: ignore[arg-type]
        kwargs["stream"] = True
        response = super().send(request, **kwargs)  # type: ignore[arg-type]
        return self._bounded(response, self.max_response_size)

    def _bounded(self, response: requests.Response, limit: int) -> requests.Response:
        body = b""
        for piece in response.iter_content(8192):
            body += piece
            if len(body) > limit:
                response.close()
                raise ResponseTooLarge(limit, response.request)
        response._content = body
        return response


def _no_cookies() -> DefaultCookiePolicy:
    return DefaultCookiePolicy(allowed_domains=[])
