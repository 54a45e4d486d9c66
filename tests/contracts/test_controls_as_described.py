"""The controls answer requests that are made from their description as it says, whatever these hold."""

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
import yaml
from hypothesis import Phase, settings
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from queue_emulator.web.description import controls_path
from tests.cli.emulator_process import start

ENDLESS = "^(/journal/stream|/explore)$"
CHECKS = [
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
SCHEMA = schemathesis.openapi.from_dict(yaml.safe_load(controls_path().read_text("utf-8")))


@pytest.fixture(scope="module")
def base_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("emulator")
    emulator = start("--ephemeral", "--location", "SJC", "--location", "NRT", folder=folder, log_file=folder / "log")
    yield f"{emulator.url}/cdn-cgi/emulator"
    emulator.dispose()
    assert "defect" not in emulator.log(), "a 500 is a fault rule's"


@SCHEMA.exclude(path_regex=ENDLESS).parametrize()
@settings(max_examples=4, deadline=None, derandomize=True, database=None, phases=[Phase.explicit, Phase.generate])
def test_a_control_answers_as_described(case: "schemathesis.Case[Any]", base_url: str) -> None:
    case.call_and_validate(base_url=base_url, checks=CHECKS)
