"""Settings of the token API."""

from __future__ import annotations

from pydantic import Field, SecretStr

from common.ports import HttpPort
from common.settings import CommonSettings
from services.web import allowed_hosts


class TokenApiSettings(CommonSettings):
    """Where it listens, and the token that it makes others with."""

    token_api_port: HttpPort = Field(5001, description="Port of the token API.")
    token_api_allowed_hosts: str = Field("", description="Further names, comma-separated, that may stand in `Host`.")
    renewal_token: SecretStr = Field(
        SecretStr(""), description="The service's own Vault token, periodic or renewable; it renews it itself."
    )

    @property
    def hosts(self) -> list[str]:
        """Names that may stand in ``Host``; anything else may be DNS rebinding."""
        return allowed_hosts(self.token_api_allowed_hosts)


class LaunchSettings(CommonSettings):
    """What the token API's own token is obtained with (see :mod:`services.token_api.launch`)."""

    vault_role_id: str = Field("token-api", description="Role id of the service at Vault.")
    vault_secret_id: SecretStr = Field(
        SecretStr("demo-token-api-vault-secret-id"), description="Secret id of the service at Vault."
    )
