"""The API behaves as its OpenAPI description says: Schemathesis makes requests from it, good and bad ones."""

from __future__ import annotations

from contextlib import nullcontext, suppress

import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable

from stack.testing import Stack
from tests.support.described import described

EXAMPLES = 8
"""Requests per operation and kind; each is a round trip to Vault."""


def test_every_answer_is_one_that_the_description_names(stack: Stack) -> None:
    schema = described(stack.url("token-api"))
    operations = [found.ok() for found in schema.get_all_operations()]
    assert len(operations) == 14
    for operation in operations:
        for mode in schemathesis.GenerationMode:

            @given(case=operation.as_strategy(generation_mode=mode))
            @settings(
                max_examples=EXAMPLES,
                deadline=None,
                suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
            )
            def behaves(case: schemathesis.Case) -> None:
                case.call_and_validate()

            # Where an operation takes nothing, nothing wrong can be sent to it.
            with suppress(Unsatisfiable) if mode.is_negative else nullcontext():
                behaves()
