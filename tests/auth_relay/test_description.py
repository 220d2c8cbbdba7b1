"""What programs may ask behaves as the OpenAPI description says: Schemathesis makes requests from it."""

from __future__ import annotations

from contextlib import nullcontext, suppress

import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.specs.openapi.checks import positive_data_acceptance

from tests.auth_relay.chatting import Programs

EXAMPLES = 20


def test_every_answer_is_one_that_the_description_names(programs: Programs) -> None:
    schema = schemathesis.openapi.from_url(f"{programs.relay}/openapi.json")
    operations = [found.ok() for found in schema.get_all_operations()]
    assert {operation.path for operation in operations} == {
        "/issue_login_link", "/login_link_status", "/login/{lit}", "/oidc/callback"
    }  # fmt: skip
    for operation in operations:
        for mode in schemathesis.GenerationMode:

            @given(case=operation.as_strategy(generation_mode=mode))
            @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
            def behaves(case: schemathesis.Case) -> None:
                # What is well formed may still name an unknown client or link.
                case.call_and_validate(excluded_checks=[positive_data_acceptance], timeout=30)

            # Where an operation takes nothing, nothing wrong can be sent to it.
            with suppress(Unsatisfiable) if mode.is_negative else nullcontext():
                behaves()
