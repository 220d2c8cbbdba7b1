"""Requests and answers of the token API, as its OpenAPI description shows them."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StringConstraints, field_validator

PERMISSIONS = ("create", "read", "update", "delete", "list")
"""What a token may be allowed: Vault's capabilities, each a policy ``token-<name>``."""

NAME_LENGTH = 100

_NO_TEXT = r"\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069"
"""Control characters, line separators, and what turns the direction of text: a name is shown to people."""

ItemKey = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")]
Mark = Annotated[str, StringConstraints(pattern=r"^([0-9a-f]{14}-[A-Za-z0-9.]{8,100})?$")]
Accessor = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9.]{7,99}$")]


class Permissions(BaseModel):
    """What the token may do with the demo's items."""

    model_config = ConfigDict(extra="forbid")

    create: StrictBool = False
    read: StrictBool = False
    update: StrictBool = False
    delete: StrictBool = False
    list: StrictBool = False

    def allowed(self) -> tuple[str, ...]:
        """The names of those that are true."""
        return tuple(name for name in PERMISSIONS if getattr(self, name))


class CreateToken(BaseModel):
    """A token for one program."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(
        min_length=1,
        max_length=NAME_LENGTH,
        pattern=rf"^[^{_NO_TEXT}]*[^{_NO_TEXT}\s][^{_NO_TEXT}]*$",
        examples=["nightly report"],
        description="Which program it is for; no control characters.",
    )
    permissions: Permissions = Field(default_factory=Permissions)

    @field_validator("name")
    @classmethod
    def _trimmed(cls, name: str) -> str:
        return name.strip()


class TokenCreated(BaseModel):
    """The token, shown this once."""

    success: bool = True
    token: str
    message: str


class TokenActionDone(BaseModel):
    """Whether it was done."""

    success: bool
    message: str


class Error(BaseModel):
    """What was wrong, in a word and in a sentence."""

    error: str
    message: str


class Facts(BaseModel):
    """What the token showed, and what Vault gave for it."""

    result: str
    timestamp: str
    user: str
    ttl: int
    permissions: dict[str, str]


class Data(BaseModel):
    """The answer to a good token."""

    message: str = "Success!"
    data: Facts


class Health(BaseModel):
    """Whether the service can do its work."""

    status: str
    vault_addr: str
    renewal_token_status: str


class Issued(BaseModel):
    """A token that was issued and lives; times in seconds since the epoch. The accessor names it, and opens nothing."""

    accessor: str
    name: str
    permissions: list[str]
    created_at: float
    expires_at: float
    ttl: int


class IssuedList(BaseModel):
    """Tokens, the newest first: a page of them."""

    tokens: list[Issued]
    next: str = Field("", description="Where there may be more: `after` of the request for the next page.")


class TokenInfo(BaseModel):
    """What Vault says of a token that was presented."""

    accessor: str
    user: str
    permissions: dict[str, str]
    ttl: int
    renewable: bool


class Item(BaseModel):
    """One of the demo's items."""

    model_config = ConfigDict(extra="forbid")

    value: Annotated[str, StringConstraints(max_length=1000)]


class ItemList(BaseModel):
    """The keys of the demo's items."""

    keys: list[str]


def errors(*codes: int) -> dict[int | str, dict[str, Any]]:
    """The error answers of a route, for its description."""
    return {code: {"model": Error} for code in codes}
