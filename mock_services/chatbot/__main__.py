"""``python -m mock_services.chatbot``: the mock chatbot, a process of its own because it holds secrets."""

from __future__ import annotations

import sys

import uvicorn

from common import logs
from common.command import run as run_command
from common.settings import load
from fastmcp_vault import telemetry
from fastmcp_vault.errors import Problem
from fastmcp_vault.printable import show
from mock_services.chatbot.app import build
from mock_services.chatbot.settings import ChatbotSettings


def main() -> int:
    """Serve until SIGINT or SIGTERM; the exit code is 1, with a sentence, when the settings cannot be used."""
    logs.set_up("chatbot")
    try:
        settings = load(ChatbotSettings)
        telemetry.start("chatbot")
    except Problem as problem:
        show(f"mock_services.chatbot: {problem}", file=sys.stderr)
        return 1
    uvicorn.run(
        build(settings),
        host=settings.bind_host,
        port=settings.mock_chatbot_port,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ws="none",
        timeout_graceful_shutdown=3,
    )
    return 0


if __name__ == "__main__":
    sys.exit(run_command(main))
