"""Who is linked to which chat: the offline tokens in Vault, under the chatbot's own AppRole."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, SecretStr

from fastmcp_vault import tracing
from fastmcp_vault.errors import CredentialMissing, Problem
from fastmcp_vault.sentences import Sentence
from fastmcp_vault.vault import Vault, VaultSession
from fastmcp_vault.vault.health import serves

FOLDER = "chatbot"
OWN_SECRET = "services/chatbot"  # noqa: S105 - a path


class LinkedPerson(BaseModel):
    """One person's sign-in for one chat, as Vault keeps it. Times: seconds since the epoch."""

    model_config = ConfigDict(frozen=True)

    chatbot_user_id: str
    username: str
    sub: str
    sid: str
    offline_refresh_token: SecretStr
    linked_at: float
    refreshed_at: float
    version: int = 0

    def plain(self) -> dict[str, str]:
        """As written to Vault: strings, the version left to Vault."""
        fields = self.model_dump(exclude={"version"})
        return fields | {
            "offline_refresh_token": self.offline_refresh_token.get_secret_value(),
            "linked_at": repr(self.linked_at),
            "refreshed_at": repr(self.refreshed_at),
        }


class Links:
    """Vault's folder of links. Raises VaultUnavailable, VaultDenied, VaultError."""

    def __init__(self, vault: Vault, session: VaultSession, *, folder: str = FOLDER) -> None:
        self._vault, self._session, self._folder = vault, session, folder

    def path(self, user: str) -> str:
        """The chat's path below ``secret/``; a chat's id may hold anything, a path may not."""
        return f"{self._folder}/{hashlib.sha256(user.encode()).hexdigest()[:32]}"

    def shown_path(self, user: str) -> str:
        """The path as Vault's policies name it."""
        return self._vault.kv_path(self.path(user))

    async def find(self, user: str) -> LinkedPerson | None:
        """The link of one chat, if there is one."""
        return await self._read(self.path(user))

    async def everybody(self) -> list[LinkedPerson]:
        """Every link."""
        names = await self._vault.list_keys(self._session.token, f"secret/metadata/{self._folder}")
        found = [await self._read(f"{self._folder}/{name}") for name in names]
        return [link for link in found if link is not None]

    async def keep(self, link: LinkedPerson) -> LinkedPerson:
        """Write it as the newest version; with a ``version``, only if nobody wrote in between: otherwise VaultError."""
        version = await self._vault.kv_write(
            self._session.token, self.path(link.chatbot_user_id), link.plain(), cas=link.version or None
        )
        return link.model_copy(update={"version": version})

    async def forget(self, user: str) -> None:
        """Delete every version of it."""
        await self._vault.delete(self._session.token, f"secret/metadata/{self.path(user)}")

    async def readable(self) -> bool:
        """Whether this chatbot is logged in to Vault and Vault answers; never raises."""
        try:
            self._session.token  # noqa: B018 - raises while there is none
        except Problem:
            return False
        return await serves(self._vault)

    async def own_secret(self) -> SecretStr:
        """The chatbot's client secret at Keycloak."""
        with tracing.step("chat-secret") as opened:
            found = await self._vault.kv_read(self._session.token, OWN_SECRET)
            opened.say(f"Version {found.version} of {self._vault.kv_path(OWN_SECRET)}.")
        if "client_secret" not in found.texts:
            raise CredentialMissing(
                Sentence(
                    "{path} has no `client_secret`, or one that is not text.", path=self._vault.kv_path(OWN_SECRET)
                ),
                fix="`./demo init` writes it.",
            )
        return found.texts["client_secret"]

    async def _read(self, path: str) -> LinkedPerson | None:
        try:
            found = await self._vault.kv_read(self._session.token, path)
        except CredentialMissing:
            return None
        return LinkedPerson.model_validate({**_plain(found.data), "version": found.version})


def _plain(data: Mapping[str, SecretStr]) -> dict[str, str]:
    return {name: value.get_secret_value() for name, value in data.items()}
