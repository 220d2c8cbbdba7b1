"""What programs send to the relay and get from it; the OpenAPI description is made from these."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from services.auth_relay.redirects import LONGEST

Name = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
Address = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST)]
Nonce = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{16,128}$")]

LoginStatus = Literal["issued", "code_accepted", "linked", "failed"]


class Signed(BaseModel):
    """What a signed request holds beside its own fields: see :mod:`common.signed`."""

    model_config = ConfigDict(extra="forbid")

    client_key: Annotated[str, StringConstraints(min_length=1, max_length=63)] = Field(
        description="The chatbot's key in `clients.json`."
    )
    ts: int | None = Field(None, description="Seconds since the epoch; needed in a signed request.")
    nonce: Nonce | None = Field(None, description="Random, used once; needed in a signed request.")


class LinkRequest(Signed):
    """A chatbot asks for a login link for one of its users."""

    chatbot_user_id: Name = Field(description="Who the chatbot's user is, to the chatbot.")
    callback_url: Address = Field(description="Where the tokens go; one of the client's `callback_urls`.")
    redirect_after: Address = Field(description="Where the browser goes; one of the client's `redirect_after`.")


class Link(BaseModel):
    """The link, and the code that the chat must show beside it."""

    login_url: str = Field(description="To be opened by the user, in a browser of their own.")
    code: str = Field(description="To be shown in the chat; the link's page asks for it.")
    expires_in: int = Field(description="Seconds until the link is void.")
    login_id: str = Field(description="Names this login in POST /login_link_status.")


class StatusRequest(Signed):
    """A chatbot asks how far a login is. Always signed."""

    login_id: Annotated[str, StringConstraints(min_length=16, max_length=64)]


class LoginProgress(BaseModel):
    """How far a login is, and its steps so far, masked."""

    status: LoginStatus
    error: str = Field("", description="Why it failed: an error code of the relay.")
    message: str = ""
    words: dict[str, Any] | None = Field(None, description="What another language needs of the message.")
    steps: list[dict[str, Any]] = Field(default_factory=list)


class ErrorAnswer(BaseModel):
    """Every error that a program gets."""

    error: str
    message: str
