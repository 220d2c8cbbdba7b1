"""The tool that every server has: whose credential is used here, where it lies, and for how long it holds."""

from __future__ import annotations

import time
from typing import Annotated, Any

from fastmcp.tools import tool
from pydantic import BaseModel, Field

from fastmcp_vault.credentials.calls import current_call
from fastmcp_vault.errors import CredentialMissing
from fastmcp_vault.server.context import current_server
from fastmcp_vault.server.tool import reading


class CredentialStatus(BaseModel):
    """Whose credential this server uses for the caller. Never the credential itself."""

    server: Annotated[str, Field(description="The MCP server that answers.")]
    user_id: Annotated[str, Field(description="The person's id at Keycloak: the `sub` claim.")]
    username: str
    email: str
    entity: Annotated[str, Field(description="Vault's name for the person.")]
    entity_id: Annotated[str, Field(description="Vault's id of that entity.")] = ""
    vault_path: Annotated[str, Field(description="Where the person's credential lies in Vault.")]
    present: Annotated[bool, Field(description="Whether there is one.")]
    reason: Annotated[str, Field(description="Why there is none, and what to do; empty if there is one.")] = ""
    problem: Annotated[dict[str, Any] | None, Field(description="The same in parts.")] = None
    masked_credential: Annotated[str, Field(description="What may be shown of it.")] = ""
    credential_version: Annotated[int | None, Field(description="Version of the stored secret.")] = None
    written_at: Annotated[
        float | None, Field(description="When that version was written, in seconds since the epoch.")
    ] = None
    database_user: Annotated[str, Field(description="The user that Vault made for this person on demand.")] = ""
    made_at: Annotated[float | None, Field(description="When it was made, in seconds since the epoch.")] = None
    account: Annotated[str, Field(description="The account that the person connected, where it is one.")] = ""
    lease_seconds: Annotated[float | None, Field(description="Seconds for which it still holds without renewal.")] = (
        None
    )
    expires_at: Annotated[float | None, Field(description="When that ends, in seconds since the epoch.")] = None


@tool(annotations=reading("Whose credential is used"))
async def credential_status() -> CredentialStatus:
    """Tell whose credential this server uses for you: who you are to it, the path in Vault, and the time left."""
    call, room = current_call(), current_server()
    claims = call.caller.claims
    who = {
        "server": room.profile.name,
        "user_id": claims.sub,
        "username": claims.username,
        "email": claims.email,
    }
    try:
        async with room.credentials.use(call) as held:
            return CredentialStatus(
                **who,
                entity=held.entity,
                entity_id=held.entity_id,
                written_at=held.credential.written_at,
                database_user=held.credential.username,
                account=str(held.credential.facts().get("account", "")),
                made_at=held.credential.read_at if held.credential.lease else None,
                vault_path=held.credential.path,
                present=True,
                masked_credential=held.credential.masked,
                credential_version=held.credential.version,
                lease_seconds=round(max(0.0, held.until - time.time()), 1),
                expires_at=held.until,
            )
    except CredentialMissing as missing:
        return CredentialStatus(
            **who,
            entity=missing.detail.get("entity", ""),
            entity_id=missing.detail.get("entity_id", ""),
            vault_path=missing.detail.get("path", ""),
            present=False,
            reason=str(missing),
            problem=missing.as_dict(),
        )
