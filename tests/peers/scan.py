"""Runs in the scanner's environment: everything the servers offer, looked at by the analyzers that need no network.

Standard input is a JSON object: ``servers`` (by name: ``url``, ``token``), ``arguments`` for their prompts, and
``tools``, a file with a list of tools. Standard output is a JSON list: where, what, whether the look was complete, and
what was found.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Iterable
from typing import Any

from mcpscanner import AnalyzerEnum, Auth, Config, Scanner, SecurityFinding, YaraAnalyzer
from mcpscanner.core.analyzers import SchemaReferenceAnalyzer
from mcpscanner.core.analyzers.static_analyzer import StaticAnalyzer
from mcpscanner.core.result import ScanResult

OFFLINE = [AnalyzerEnum.YARA, AnalyzerEnum.SCHEMA]
TEXT = ["application/json", "text/plain"]
NAMES = ("tool_name", "prompt_name", "resource_uri")


async def main() -> None:
    """Scan, and print."""
    told = json.load(sys.stdin)
    found: list[dict[str, Any]] = []
    for name, server in told["servers"].items():
        found += [_said(name, result) async for result in _offered(server, told["arguments"])]
    file = StaticAnalyzer(analyzers=[YaraAnalyzer(), SchemaReferenceAnalyzer()])
    for tool in await file.scan_tools_file(told["tools"]):
        found.append(_entry("file", tool["tool_name"], tool["status"] == "completed", tool["findings"]))
    json.dump(found, sys.stdout)


async def _offered(server: dict[str, str], arguments: dict[str, str]) -> AsyncIterator[ScanResult]:
    class Informed(Scanner):
        """Asks for prompts with arguments that exist; the scanner's own are empty."""

        @staticmethod
        def _default_prompt_arguments(prompt: Any) -> dict[str, str]:
            return {argument.name: arguments[argument.name] for argument in prompt.arguments or []}

    scanner, at = Informed(Config()), {"server_url": server["url"], "auth": Auth.bearer(server["token"])}
    for result in await scanner.scan_remote_server_tools(**at, analyzers=OFFLINE):
        yield result
    for result in await scanner.scan_remote_server_prompts(**at, analyzers=OFFLINE):
        yield result
    for result in await scanner.scan_remote_server_resources(**at, analyzers=OFFLINE, allowed_mime_types=TEXT):
        yield result
    yield await scanner.scan_remote_server_instructions(**at, analyzers=OFFLINE)


def _said(where: str, result: ScanResult) -> dict[str, Any]:
    named = [getattr(result, name) for name in NAMES if hasattr(result, name)]
    complete = result.status == "completed" and not result.analyzer_errors
    return _entry(where, named[0] if named else "instructions", complete, result.findings)


def _entry(where: str, what: str, complete: bool, findings: Iterable[SecurityFinding]) -> dict[str, Any]:
    found = [f"{finding.analyzer} {finding.severity}: {finding.summary}" for finding in findings]
    return {"where": where, "what": what, "complete": complete, "found": found}


if __name__ == "__main__":
    asyncio.run(main())
