"""What programs may ask behaves as the OpenAPI description says: Schemathesis makes requests from it."""

from __future__ import annotations

from contextlib import nullcontext, suppress

import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.specs.openapi.checks import positive_data_acceptance

from tests.auth_relay.chatting import Programs
from tests.support.described import described

EXAMPLES = 20


def test_every_answer_is_one_that_the_description_names(programs: Programs) -> None:
    schema = described(programs.relay)
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


def test_a_body_too_large_to_look_at_is_refused_as_described(programs: Programs) -> None:
    description = requests.get(f"{programs.relay}/openapi.json", timeout=10).json()["paths"]
    for path in ("/issue_login_link", "/login_link_status", "/login/x"):
        answer = requests.post(f"{programs.relay}{path}", data="x" * 20_000, timeout=10)
        assert answer.status_code == 413
        assert "413" in description[path.replace("/x", "/{lit}")]["post"]["responses"]
