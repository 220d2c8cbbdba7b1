"""A call that needs an account which its person has not connected: they connect it in the app, and the call goes on.

MCP 2026-07-28 (Elicitation, URL mode): the link is this person's alone, and whoever opens it must be who started the
call; the app checks that. A client of 2025-11-25 that opens links is asked by an error; one that opens none gets the
link in the refusal's text.
"""

from __future__ import annotations

from fastmcp.server.dependencies import get_context
from mcp_types import ElicitRequest, ElicitRequestURLParams, InputRequiredResult
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from fastmcp_vault.credentials.calls import current_call
from fastmcp_vault.errors import CredentialMissing, Problem, StateUnavailable
from fastmcp_vault.sentences import Sentence
from fastmcp_vault.server.context import current_server
from fastmcp_vault.server.earlier import ask_by_error

ANSWER = "connect"
"""The key of the one question in ``input_requests``."""

STATE = "connect:"
"""How the state of such a question begins, so that nobody takes it for an approval's."""


async def ask_to_connect(problem: Problem, *, writing: bool) -> InputRequiredResult | Problem:
    """The question that leads the person to the app; or ``problem``, with the link in it where the client cannot ask.

    ``problem`` itself where no account would help, where there is no app, and for the app, which has its own button.
    """
    room, call = current_server(), current_call()
    provider = problem.detail.get("provider") if isinstance(problem, CredentialMissing) else None
    if not provider or call.caller.may_trace or not room.profile.accounts_page:
        return problem
    context = get_context()
    request = context.request_context
    modern = request is not None and request.protocol_version in MODERN_PROTOCOL_VERSIONS
    asked = modern and (context.request_state or "").startswith(STATE)
    claims = call.caller.claims
    try:
        made = await room.account_requests.ask(
            sub=claims.sub, sid=claims.sid, provider=provider, tool=call.tool, client=claims.azp, writing=writing
        )
    except StateUnavailable:
        return problem
    link = f"{room.profile.accounts_page}?id={made}"
    message = Sentence("{what} Connect the account in the app.", what=problem.what)
    capabilities = request.session.client_capabilities if request is not None and modern else None
    elicitation = capabilities.elicitation if capabilities else None
    if elicitation is None or elicitation.url is None or asked:
        if not modern:
            ask_by_error(message, link=link, link_id=made)
        fix = Sentence("Open {link} , connect the account, then make the same call again.", link=link)
        return type(problem)(problem.what, fix=fix, **problem.detail)
    question = ElicitRequest(params=ElicitRequestURLParams(message=message, url=link))
    return InputRequiredResult(input_requests={ANSWER: question}, request_state=f"{STATE}{made}")
