"""Requests generated from the description of Cloudflare's API: each gets a described answer, none a failure of ours."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import schemathesis
from openapi_spec_validator import validate
from schemathesis.config import SchemathesisConfig
from schemathesis.core.parameters import ParameterLocation
from schemathesis.generation.case import Case

from queue_contracts.checks.reproducibility import ignore_literals_of_the_source
from queue_emulator.core.accounts import namespace_of
from tests.cli.emulator_process import Emulator, StartEmulator
from tests.clients.conftest import TOKEN

pytest_plugins = ["schemathesis.pytest.plugin"]
pytestmark = [pytest.mark.runtime, pytest.mark.slow]

DESCRIPTION = Path(__file__).parents[2] / "fixtures" / "cloudflare-kv-openapi.yaml"
CACHE = namespace_of("CACHE").id
CONFIG: dict[str, Any] = {
    "seed": 20261124,
    "generation": {"mode": "all", "max-examples": 6, "database": "none"},
    "checks": {
        "ignored_auth": {"enabled": False},  # without credentials it answers 400, as tests/web/rest has it, not 401
        "negative_data_rejection": {"enabled": False},  # some of what is not described is taken all the same
        "positive_data_acceptance": {"enabled": False},  # a title may be taken, a value may be no JSON
    },
}

ignore_literals_of_the_source()
generated = schemathesis.openapi.from_path(DESCRIPTION, config=SchemathesisConfig.from_dict(CONFIG))


@pytest.fixture(scope="module")
def unlimited(start_for_module: StartEmulator) -> Iterator[Emulator]:
    """An emulator that takes any number of requests."""
    running = start_for_module("--ephemeral", "--without", "api-rate", environment={"EMULATOR_API_TOKEN": TOKEN})
    yield running
    log = running.log()
    assert "a defect of this emulator" not in log
    assert TOKEN not in log


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        yield session


@pytest.fixture(scope="module")
def statuses() -> Iterator[set[int]]:
    """Which there were: requests of which none succeeds, or none is refused, would show little."""
    seen: set[int] = set()
    yield seen
    assert {200, 400, 404} <= seen


@generated.parametrize()
def test_every_generated_request_gets_a_described_answer(
    case: Case[Any], unlimited: Emulator, session: requests.Session, statuses: set[int]
) -> None:
    _lead_to_the_namespace(case)
    response = case.call_and_validate(
        base_url=f"{unlimited.url}/client/v4", session=session, headers={"Authorization": f"Bearer {TOKEN}"}
    )
    statuses.add(response.status_code)


def test_the_description_is_one() -> None:
    validate(generated.raw_schema)


def _lead_to_the_namespace(case: Case[Any]) -> None:
    """An id drawn at random is nobody's; one that is meant to be wrong stays so."""
    path = case.meta.components.get(ParameterLocation.PATH) if case.meta else None
    if "namespace_id" in case.path_parameters and (path is None or path.mode.is_positive):
        case.path_parameters["namespace_id"] = CACHE
