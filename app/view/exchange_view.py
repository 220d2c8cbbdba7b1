"""One request and its response, side by side, masked, with the curl command that would send it again."""

from __future__ import annotations

import json

import streamlit as st

from app.texts import t
from app.view.plain import mono
from tracing import Exchange
from tracing.export import as_curl


def exchange_view(exchange: Exchange, *, key: str) -> None:
    """Draw one exchange."""
    with st.container(border=True, key=f"exchange.{key}"):
        st.markdown(title(exchange))
        request, response = st.columns(2)
        with request:
            st.caption(t("trace.request"))
            _message(exchange.request_headers, exchange.request_body)
        with response:
            st.caption(t("trace.response"))
            if exchange.error:
                st.text(t("trace.no-response", error=exchange.error))
            else:
                _message(exchange.response_headers, exchange.response_body)
        st.caption(f"{t('trace.curl')} — {t('trace.curl.help')}")
        st.code(as_curl(exchange), language="bash", wrap_lines=True)


def title(exchange: Exchange) -> str:
    """Method and address, the JSON-RPC method where there is one, status and time."""
    parts = [mono(f"{exchange.method} {exchange.url}")]
    called = rpc_method(exchange.request_body)
    if called:
        parts.append(mono(called))
    parts.append(f"HTTP {exchange.status}" if exchange.status else t("card.unknown"))
    if exchange.duration_ms is not None:
        parts.append(t("trace.took", duration=f"{exchange.duration_ms:.0f}"))
    return " · ".join(parts)


def rpc_method(body: str) -> str:
    """The JSON-RPC method of an MCP request (``tools/call get_issue``), else nothing."""
    try:
        message = json.loads(body)
        method, params = str(message["method"]), message.get("params") or {}
    except (ValueError, KeyError, TypeError, AttributeError):
        return ""
    return f"{method} {params.get('name', '')}".strip() if isinstance(params, dict) else method


def _message(headers: dict[str, str], body: str) -> None:
    lines = "\n".join(f"{name}: {value}" for name, value in headers.items())
    st.code(lines or "—", language="http", wrap_lines=True)
    if body:
        st.code(_pretty(body), language="json", wrap_lines=True, height=280 if len(body) > 700 else "content")


def _pretty(body: str) -> str:
    try:
        return json.dumps(json.loads(body), indent=2, ensure_ascii=False)
    except ValueError:
        return body
