"""The one place where HTTP clients are made: bounded time and connections, no redirects, no cookies.

No proxy either, unless a back end's is given.

A client is shared by many people. A cookie that a server sets beside one person's answer can be a session of theirs
(Jira Data Center's `JSESSIONID`), and would go out with the next person's request.
"""

from __future__ import annotations

import os
import ssl
from functools import cache
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx2
import requests
from requests.adapters import HTTPAdapter

CONNECT_SECONDS = 5.0
"""Loopback or a cluster's network: a connection that takes longer than this is an outage; a call that may take less
waits less. A lost first packet is sent again after 1 s (RFC 6298, section 2), and where an event loop stands still for
moments, because thirty people's pages run beside it, they count, too."""

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
        timeout=httpx2.Timeout(timeout, connect=min(timeout, CONNECT_SECONDS)),
        transport=transport or async_transport(connections=connections),
        follow_redirects=False,
        trust_env=False,
        auth=auth,
        cookies=CookieJar(_no_cookies()),
    )


def sync_client(*, timeout: float = READ_SECONDS, connections: int = 100) -> httpx2.Client:
    """A sync client, for several threads at once, where nothing is served; the caller closes it. Times in seconds."""
    return httpx2.Client(
        timeout=httpx2.Timeout(timeout, connect=min(timeout, CONNECT_SECONDS)),
        limits=_limits(connections),
        verify=_trust(),
        follow_redirects=False,
        trust_env=False,
        cookies=CookieJar(_no_cookies()),
    )


def async_transport(
    *, connections: int = 100, max_response_size: int | None = None, proxy: httpx2.Proxy | None = None
) -> httpx2.AsyncBaseTransport:
    """The pooled transport under :func:`async_client`, apart so that the trace can wrap it.

    A body longer than ``max_response_size`` (bytes, unpacked) raises ResponseTooLarge. ``proxy``: for back ends only.
    """
    pool = httpx2.AsyncHTTPTransport(limits=_limits(connections), verify=_trust(), proxy=proxy)
    return pool if max_response_size is None else _Bounded(pool, max_response_size)


class ResponseTooLarge(httpx2.RequestError):
    """A response's body is longer than ``limit`` bytes; it was not read to its end."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"the response is larger than {limit} bytes")
        self.limit = limit


class _Bounded(httpx2.AsyncBaseTransport):
    """Reads each body, and no more of it than ``limit`` bytes."""

    def __init__(self, inner: httpx2.AsyncBaseTransport, limit: int) -> None:
        self._inner, self._limit = inner, limit

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """The response, its body read and unpacked."""
        response = await self._inner.handle_async_request(request)
        body = b""
        try:
            async for piece in response.aiter_bytes(8192):
                body += piece
                if len(body) > self._limit:
                    raise ResponseTooLarge(self._limit)
        finally:
            await response.aclose()
        headers = [(k, v) for k, v in response.headers.raw if k.lower() not in _OF_THE_PACKED_BODY]
        return httpx2.Response(response.status_code, headers=headers, content=body, extensions=response.extensions)

    async def aclose(self) -> None:
        """Close the transport underneath."""
        await self._inner.aclose()


_OF_THE_PACKED_BODY = (b"content-encoding", b"content-length", b"transfer-encoding")


class TimedSession(requests.Session):
    """A ``requests`` session whose every call has a time limit (seconds) and a bounded pool.

    python-keycloak, with which Keycloak is set up, takes a session but does not always pass a timeout; this one never
    waits for ever.
    """

    def __init__(self, *, timeout: float = READ_SECONDS, connections: int = 20) -> None:
        super().__init__()
        self.timeout = timeout
        self.trust_env = False
        # The environment's authorities, as OpenSSL and the clients above name them; `requests` has a name of its own.
        self.verify = os.environ.get("SSL_CERT_FILE") or True
        self.cookies.set_policy(_no_cookies())
        adapter = HTTPAdapter(pool_connections=connections, pool_maxsize=connections)
        self.mount("http://", adapter)
        self.mount("https://", adapter)

    def send(self, request: requests.PreparedRequest, **kwargs: object) -> requests.Response:
        """Send one prepared request, with this session's limit and authorities where the caller named none.

        python-keycloak says ``verify=True`` with every request, which would overrule the session's.
        """
        if kwargs.get("timeout") is None:
            kwargs["timeout"] = (min(self.timeout, CONNECT_SECONDS), self.timeout)
        if kwargs.get("verify") is True:
            kwargs["verify"] = self.verify
        return super().send(request, **kwargs)  # type: ignore[arg-type]


@cache
def _trust() -> ssl.SSLContext:
    """The authorities that this machine trusts, read once: it takes some 20 ms, in which an event loop stands still."""
    return httpx2.create_ssl_context()


def _limits(connections: int) -> httpx2.Limits:
    return httpx2.Limits(
        max_connections=connections, max_keepalive_connections=connections, keepalive_expiry=IDLE_SECONDS
    )


def _no_cookies() -> DefaultCookiePolicy:
    return DefaultCookiePolicy(allowed_domains=[])
