"""Secrets out of files (``NAME_FILE``), as container engines and orchestrators hand them over."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from fastmcp_vault.errors import ConfigError

LONGEST: Final = 65_536
"""Bytes of such a file."""


class HoldsSecrets:
    """Marks a field that holds secrets among other things: its text may come out of a file as well."""


class SecretFiles(PydanticBaseSettingsSource):
    """The fields that are or hold secrets, and whose variable ``NAME_FILE`` is among ``given`` (names in lower case).

    Raises ConfigError.
    """

    def __init__(self, settings_cls: type[BaseSettings], given: Mapping[str, str | None]) -> None:
        super().__init__(settings_cls)
        self._given = given

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """What the file of one field holds, or None."""
        kinds = {field.annotation, *getattr(field.annotation, "__args__", ())}
        secret = SecretStr in kinds or HoldsSecrets in field.metadata
        return (secret_of_file(self._given, field_name) if secret else None), field_name, False

    def __call__(self) -> dict[str, Any]:
        """What files give, by field."""
        fields = self.settings_cls.model_fields.items()
        found = {name: self.get_field_value(field, name)[0] for name, field in fields}
        return {name: value for name, value in found.items() if value is not None}


def secret_of_file(given: Mapping[str, str | None], name: str) -> str | None:
    """What stands in the file that the variable of ``name`` with ``_FILE`` names, without its last line break; None
    when there is no such variable.

    Raises ConfigError, which names the variable and no value, for a file that cannot be read or holds nothing, and for
    a secret that is given both ways.
    """
    suffix = "_FILE" if name.isupper() else "_file"
    path = given.get(name + suffix)
    if not path:
        return None
    variable = f"{name}_FILE".upper()
    if given.get(name):
        raise ConfigError(f"{name.upper()} and {variable} are both set.", fix="Set one of them.")
    try:
        with Path(path).open("rb") as file:
            data = file.read(LONGEST + 1)
        text = data.decode().removesuffix("\n").removesuffix("\r")
    except (OSError, UnicodeDecodeError) as error:
        why = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else "it is not text"
        raise ConfigError(f"The file of {variable} cannot be read: {why}.", fix="Mount it for this process.") from None
    if not text or len(data) > LONGEST:
        raise ConfigError(
            f"The file of {variable} is empty, or longer than {LONGEST} bytes.", fix="It holds the secret alone."
        )
    return text
