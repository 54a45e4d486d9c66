"""Random walks along the links of `openapi.yaml`: what one answer says can be used in the next request."""

from collections import Counter
from typing import TypeAlias

import pytest
import requests
from hypothesis import HealthCheck, Phase, seed, settings
from schemathesis import Response
from schemathesis.core.errors import NoLinksFound
from schemathesis.core.result import Ok
from schemathesis.generation.stateful import APIStateMachine

from queue_contracts.checks.description import Description, GeneratedCase, load_description
from queue_contracts.checks.probes import key_needed
from queue_contracts.checks.steering import unfinished
from queue_contracts.sending.guard import PartMissing
from queue_contracts.sending.parts import Parts
from queue_contracts.sending.run import Run
from queue_contracts.targets.control import Control
from queue_contracts.targets.target import Target, scope_of

pytestmark = [pytest.mark.slow, pytest.mark.requests(1500)]

Answers: TypeAlias = Counter[tuple[str, int]]  # by operation and status
WALKS = settings(
    stateful_step_count=12,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def walker(
    description: Description, target: Target, session: requests.Session, control: Control, answers: Answers
) -> type[APIStateMachine]:
    """A state machine over the links, bound to one target, which counts the answers."""
    linked: type[APIStateMachine] = description.as_state_machine()
    further = [key_needed()]

    class Walker(linked):  # type: ignore[misc, valid-type]
        def setup(self) -> None:
            control.start_with(unfinished())

        def get_call_kwargs(self, case: GeneratedCase) -> dict[str, object]:
            key = target.key(scope_of(case.operation.path))
            return {"base_url": target.url, "session": session, "headers": {"X-API-Key": key}}

        def after_call(self, response: Response, case: GeneratedCase) -> None:
            # The checks that look back over a walk find nothing without what the parent records here.
            super().after_call(response, case)
            answers[case.operation.label, response.status_code] += 1

        def validate_response(self, response: Response, case: GeneratedCase, **kwargs: object) -> None:
            super().validate_response(response, case, additional_checks=further, **kwargs)

    return Walker


# Apart, because a walk starts wherever it can and would rarely come to the operations that need a claim first.
@pytest.mark.parametrize(
    ("tags", "walks"),
    [(["queue"], 40), (["queue", "results"], 40), (["migration"], 10)],
    ids=["queue", "queue and results", "migration"],
)
def test_walks_along_the_links_meet_only_described_answers_and_succeed_wherever_a_link_leads(
    tags: list[str], walks: int, run: Run, target: Target, session: requests.Session, control: Control, parts: Parts
) -> None:
    description = load_description().include(tag=tags)
    if parts.missing:
        description = description.exclude(operation_id=sorted(parts.missing))
    assert isinstance(description, Description)
    answers: Answers = Counter()
    # The seed that Schemathesis is configured with does not reach its state machines.
    try:
        machine = seed(run.seed)(walker(description, target, session, control, answers))
        machine.run(settings=settings(WALKS, max_examples=walks))
    except NoLinksFound:
        if not parts.missing:
            raise
        raise PartMissing(parts.labels(tags)[0]) from None  # all links lead to what is not there
    succeeded = {label for (label, status) in answers if 200 <= status < 300}
    # Without an operation, others may be out of reach: of a claim nothing leads to what a claimed task is linked to.
    assert parts.missing or linked_operations(description) <= succeeded


def linked_operations(description: Description) -> set[str]:
    """The operations of a description that any of its links leads to."""
    targets, selected = set(), {}
    for result in description.get_all_operations():
        assert isinstance(result, Ok)
        operation = result.ok()
        selected[operation.definition.raw["operationId"]] = operation.label
        for response in operation.definition.raw["responses"].values():
            targets |= {link["operationId"] for link in response.get("links", {}).values()}
    return {selected[operation_id] for operation_id in targets & set(selected)}
