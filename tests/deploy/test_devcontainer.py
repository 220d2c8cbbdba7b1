"""The development container installs and starts the demo by its own commands, and forwards what a browser opens."""

from __future__ import annotations

import json
import re

from stack.__main__ import parser
from stack.layout import ROOT
from stack.services import PORTS, SERVICES

TEXT = (ROOT / ".devcontainer" / "devcontainer.json").read_text()
FOUND = json.loads(re.sub(r"^ *//.*$", "", TEXT, flags=re.MULTILINE))
INSIDE = {"keycloak-inner", "openbao", "openbao-cluster", "postgres", "token-api", "biz-service-tls", "agent-auth"}
"""What programs use, and no browser."""


def test_it_fetches_and_starts_by_commands_that_there_are() -> None:
    for command in (FOUND["onCreateCommand"], FOUND["postStartCommand"]):
        program, *words = command.split()
        assert program == "./demo"
        assert parser().parse_args(words).command == words[0]


def test_every_port_that_a_browser_opens_is_forwarded_with_its_name() -> None:
    names = {port: name for name, port in PORTS.items()}
    forwarded = {names[port] for port in FOUND["forwardPorts"]}
    assert set(FOUND["portsAttributes"]) == {str(port) for port in FOUND["forwardPorts"]}
    usual = {port for service in SERVICES if not service.optional for port in service.ports}
    assert forwarded == usual - INSIDE
