"""An HTTP API's own OpenAPI description, to make requests from."""

from __future__ import annotations

import schemathesis
from schemathesis.schemas import BaseSchema


def described(base: str) -> BaseSchema:
    """What ``base`` says of itself. A body that is wrong may also be one that is too large to be looked at."""
    schema = schemathesis.openapi.from_url(f"{base}/openapi.json")
    refusals = schema.config.checks.negative_data_rejection
    refusals.expected_statuses = [*refusals.expected_statuses, "413"]
    return schema
