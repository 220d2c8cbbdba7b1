"""Settings of the agents' auth server and the business service; one set, since the two agree on nearly all of it."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, SecretStr, model_validator

from common.ports import HttpPort, OptionalHttpPort, PublicUrl
from common.settings import CommonSettings


class AgentsSettings(CommonSettings):
    """Ports, who issues tokens for whom, and what a token is checked against."""

    vault_role_id: str = Field("agents", description="AppRole that these services log in to Vault with.")
    vault_secret_id: SecretStr = Field(SecretStr("demo-agents-vault-secret-id"), description="Its secret id.")
    jwt_secret_key: SecretStr | None = Field(
        None, description="One signing key for agents' tokens, in place of the two that Vault keeps."
    )
    agent_auth_port: HttpPort = Field(8443, description="Port of the agents' auth server (mutual TLS).")
    agent_auth_public_url: PublicUrl = Field("https://localhost:8443", description="Its address: the tokens' issuer.")
    biz_service_port: HttpPort = Field(5000, description="Port of the business service, plain HTTP.")
    biz_service_tls_port: OptionalHttpPort = Field(5443, description="The same with mutual TLS; 0: not served.")
    agent_audience: str = Field("biz-service", description="Audience of agents' tokens.")
    agent_token_seconds: int = Field(300, ge=10, le=3600, description="How long an agent's token lives.")
    agents_allowed_hosts: str = Field(
        "", description="Further names, comma-separated, that may stand in `Host` (a container's name)."
    )
    auth_mode: Literal["agents", "keycloak", "keycloak-only"] = Field(
        "agents",
        description="`keycloak`: the business service also accepts Keycloak's tokens; `keycloak-only`: no others.",
    )
    use_redis: bool = Field(False, description="A token must also be active in Redis; without Redis, none is accepted.")
    redis_host: str = Field("localhost", description="Redis as this process reaches it.")
    redis_port: int = Field(6379, ge=1, le=65535, description="Its port.")
    redis_password: SecretStr | None = Field(None, description="Its password, if it has one.")
    redis_tls: bool = Field(False, description="Whether Redis is spoken to by TLS.")

    @property
    def needs_vault(self) -> bool:
        """Whether anything of Vault is used: the keys, or certificates."""
        return self.jwt_secret_key is None or bool(self.biz_service_tls_port)

    @model_validator(mode="after")
    def _safe_key(self) -> Self:
        key = self.jwt_secret_key
        if key is not None and not key.get_secret_value():
            raise ValueError("JWT_SECRET_KEY is set, and empty")
        return self
