"""``./demo compose`` writes what the compose files and the chart say of each MCP server (common/servers.py).

It lies between two comments, ``MCP servers (./demo compose): …`` and ``MCP servers: end``; the rest of these
files is written by hand. A second run changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from common.servers import SERVERS, ServerSpec
from stack.layout import ROOT
from stack.services import PORTS, SERVICES

_SECTION = re.compile(
    r"^(?P<begin>(?P<indent> *)# MCP servers \(\./demo compose\): (?P<what>[\w ,'-]+)\n)"
    r".*?"
    r"^(?P<end> *# MCP servers: end\n)",
    re.MULTILINE | re.DOTALL,
)
_PORT = re.compile(r"\{port\[([\w-]+)\]\}")

_DEMO = {
    "PUBLIC_URL": "http://localhost:{port}",
    "APPROVAL": "writes",
    "APPROVAL_LOGIN_AGE": "0",
    "APPROVAL_ACR": "",
    "STATE_PASSWORD": "demo-{client}-state-password",
    "CLIENT_SECRET": "demo-{client}-secret",
}
"""The variables that each server has of its own, with the demo's values."""

Lines = Iterator[str]


def container(port: str) -> str:
    """The container that listens at this port of ``stack.services.PORTS``."""
    (name,) = (service.name for service in SERVICES if port in service.ports)
    return "vault" if name == "openbao" else name


def back_end(spec: ServerSpec) -> dict[str, str]:
    """Its settings as a container has them: ``localhost`` is the container whose port they name."""
    named = _PORT.findall(" ".join(spec.back_end.values()))
    host = container(named[0]) if named else "localhost"
    return {
        name: _PORT.sub(lambda port: str(PORTS[port[1]]), re.sub(r"\blocalhost\b", host, value))
        for name, value in spec.back_end.items()
    }


def _given(value: str) -> bool:
    """Whether people set it by a variable of its name: an address, or what is empty at first."""
    return not value or "://" in value


def _account(spec: ServerSpec) -> bool:
    """Whether the mocks are the provider of its accounts."""
    return bool(spec.account) and f"mock-{spec.name}" in PORTS


def _demo(spec: ServerSpec, what: str) -> str:
    return _DEMO[what].format(port=spec.port, client=spec.client)


def _variable(spec: ServerSpec, what: str) -> str:
    """One of the server's variables as Compose reads it, or else the demo's value."""
    return f"${{{spec.variable(what)}:-{_demo(spec, what)}}}"


def _secrets(spec: ServerSpec) -> Lines:
    for what in ("STATE_PASSWORD", "CLIENT_SECRET"):
        yield f"{spec.variable(what)}: {_variable(spec, what)}"


def _service(spec: ServerSpec) -> Lines:
    yield f"{spec.client}:"
    yield "  <<: *python"
    yield f"  command: [python, -m, mcp_servers, {spec.name}]"
    yield "  environment:"
    for line in _environment(spec):
        yield f"    {line}"
    yield f'  ports: ["127.0.0.1:{spec.port}:{spec.port}"]'
    yield "  depends_on: *provisioned"
    yield "  healthcheck:"
    yield f'    test: [CMD, python, /app/healthcheck.py, "{spec.port}"]'
    yield "    <<: *healthy"
    yield ""


def _environment(spec: ServerSpec) -> Lines:
    yield "<<: *addresses"
    yield f"STATE_DSN: postgresql://{spec.client}:{_variable(spec, 'STATE_PASSWORD')}@postgres:5432/mcp_state"
    yield f'MCP_PORT: "{spec.port}"'
    for what in ("PUBLIC_URL", "APPROVAL", "APPROVAL_LOGIN_AGE", "APPROVAL_ACR"):
        yield f"MCP_{what}: {_variable(spec, what)}"
    yield "MCP_LIMIT_PERSON: ${MCP_LIMIT_PERSON:-3000/50}"
    yield "MCP_LIMIT_CLIENT: ${MCP_LIMIT_CLIENT:-60000/1000}"
    yield "MCP_LIMIT_TOOL: ${MCP_LIMIT_TOOL:-60000/1000}"
    yield "MCP_LIMIT_TOOLS: ${MCP_LIMIT_TOOLS:-}"
    yield "APP_PUBLIC_URL: ${APP_PUBLIC_URL:-http://localhost:8501}"
    yield f"MCP_ALLOWED_HOSTS: {spec.client}"
    yield f"MCP_CLIENT_SECRET: {_variable(spec, 'CLIENT_SECRET')}"
    for name, value in back_end(spec).items():
        yield f"{name}: " + (f"${{{name}:-{value}}}" if _given(value) else _scalar(value))
    if _account(spec):
        port, prefix = PORTS[f"mock-{spec.name}"], f"{spec.name.upper()}_OAUTH"
        yield f"{prefix}_CLIENT_ID: mcp-remote-vault"
        yield f"{prefix}_CLIENT_SECRET: demo-{spec.name}-oauth-secret"
        yield f"{prefix}_URL: http://localhost:{port}"
        yield f"{prefix}_INSIDE_URL: http://mock:{port}"
        yield f"{prefix}_API_URL: http://mock:{port}"
        yield "ACCOUNT_PROVIDERS: ${ACCOUNT_PROVIDERS:-}"


def _urls(spec: ServerSpec) -> Lines:
    yield f"{spec.variable('URL')}: http://{spec.client}:{spec.port}/mcp"


def _waits(spec: ServerSpec) -> Lines:
    yield f"{spec.client}: {{condition: service_healthy}}"


def _values(spec: ServerSpec) -> Lines:
    yield from _chart_entry(spec, f"http://localhost:{spec.port}", back_end(spec), "mock")


def _chart_entry(spec: ServerSpec, address: str, settings: Mapping[str, str], outside: str) -> Lines:
    if "POSTGRES_HOST" in settings:
        own = ("HOST", "PORT", "SSLMODE")
        settings = {**settings, **{f"POSTGRES_{one}": f"{{{{ .Values.postgres.{one.lower()} }}}}" for one in own}}
    listed = ", ".join(
        f'{name}: "{value}"' if _given(value) or "{" in value else f"{name}: {value}"
        for name, value in settings.items()
    )
    yield f"- name: {spec.name}"
    yield f"  port: {spec.port}"
    yield f"  publicUrl: {address}"
    if spec.account:
        yield "  account: true"
    yield f"  env: {{{listed}}}"
    if any("://" in value for value in settings.values()):
        yield f"  backends: [{outside}]"


def _examples(what: str) -> Callable[[ServerSpec], Lines]:
    """Lines of ``.env.example``: a variable of each server, with the demo's value."""

    def lines(spec: ServerSpec) -> Lines:
        yield f"{spec.variable(what)}={_demo(spec, what)}"

    return lines


def _addresses(spec: ServerSpec) -> Lines:
    for name, value in back_end(spec).items():
        if "://" in value:
            yield f"{name}={value}"


def _scalar(value: str) -> str:
    return f'"{value}"' if value.isdigit() else value


SECTIONS: Mapping[str, Mapping[str, Callable[[ServerSpec], Lines]]] = {
    "docker-compose.yml": {
        "their secrets": _secrets,
        "the containers": _service,
        "their addresses": _urls,
        "waiting for them": _waits,
    },
    ".env.example": {
        "public addresses": _examples("PUBLIC_URL"),
        "whose tools ask": _examples("APPROVAL"),
        "age of the sign-in": _examples("APPROVAL_LOGIN_AGE"),
        "level of the sign-in": _examples("APPROVAL_ACR"),
        "back ends": _addresses,
        "passwords of the shared state": _examples("STATE_PASSWORD"),
        "client secrets": _examples("CLIENT_SECRET"),
    },
    "deploy/kubernetes/mcp-remote-vault/values.yaml": {"list": _values},
}
"""By file: each section's name, and its lines for one server."""


def written(file: str, text: str) -> str:
    """``text`` of that file with its sections as they should be. Raises KeyError for a section that nobody writes."""
    found = []

    def section(match: re.Match[str]) -> str:
        found.append(match["what"])
        lines = [line for spec in SERVERS.values() for line in SECTIONS[file][match["what"]](spec)]
        body = "".join(f"{match['indent']}{line}".rstrip() + "\n" for line in lines)
        return match["begin"] + body + match["end"]

    text = _SECTION.sub(section, text)
    if missing := SECTIONS[file].keys() - set(found):
        raise KeyError(f"{file}: {sorted(missing)}")
    return text


def write(root: Path = ROOT) -> dict[str, bool]:
    """Write the sections of every file; which of them changed."""
    changed = {}
    for name in SECTIONS:
        file = root / name
        before = file.read_text()
        after = written(name, before)
        changed[name] = after != before
        if changed[name]:
            file.write_text(after)
    return changed
