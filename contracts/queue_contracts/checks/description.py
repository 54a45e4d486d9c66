"""`openapi.yaml` as Schemathesis reads it, with its settings written down so that no run depends on where it starts."""

import json
from functools import cache
from typing import TypeAlias

import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.core.adapter import OperationParameter, ResponsesContainer
from schemathesis.generation.case import Case
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.schemas import OpenApiSchema

from queue_contracts.checks.reproducibility import ignore_literals_of_the_source
from queue_contracts.json_values import Fields
from queue_contracts.options import SEED
from queue_contracts.packaged import description_file
from queue_contracts.session.runs import current_run
from queue_contracts.untrusted.deadline import READ_S_MAX

ignore_literals_of_the_source()

Description: TypeAlias = OpenApiSchema
Operation: TypeAlias = APIOperation[OperationParameter, ResponsesContainer[object], object, OpenApiSchema]
GeneratedCase: TypeAlias = Case[Operation]

_GENERATION: Fields = {
    "mode": "all",
    "max-examples": 40,
    # A failure that is replayed first would change every request after it.
    "database": "none",
}
_CHECKS: Fields = {
    # Deployments may take more than the portable range; what all of them refuse is in test_refusals.py.
    "negative_data_rejection": {"enabled": False},
    "unsupported_method": {"enabled": False},
    "ignored_auth": {"enabled": False},  # of probes.py is one that sends no more than it needs
}
CONFIG: Fields = {
    # A busy machine takes more than the second that Hypothesis gives ten requests to be made: no word about the target.
    "suppress-health-check": ["too_slow"],
    "request-timeout": READ_S_MAX,
    "generation": _GENERATION,
    "phases": {
        # Another method than the declared ones is answered 404 by the Worker, which Schemathesis takes for
        # a fault: test_refusals.py asks for each of them instead.
        "coverage": {"unexpected-methods": []},
        # Answers must not find their way into requests, or a run is not a function of its seed.
        "fuzzing": {"extra-data-sources": {"responses": False}, "error-feedback": {"enabled": False}},
        # Only links that openapi.yaml spells out; and only valid requests, because a deployment that takes more
        # than the portable range would hand results of another shape back further down the walk.
        "stateful": {"inference": {"algorithms": []}, "generation": {"mode": "positive"}},
    },
    "checks": _CHECKS,
}


def load_description() -> Description:
    """A fresh schema: hooks registered on one do not reach another."""
    return _load(CONFIG)


def load_observing_description() -> Description:
    """The GETs alone, and only valid ones: few, since they go to a queue that is in use."""
    generation: Fields = {**_GENERATION, "mode": "positive", "max-examples": 5, "no-shrink": True}
    gets = _load({**CONFIG, "generation": generation}).include(method="GET")
    assert isinstance(gets, Description)
    return gets


def _load(config: Fields) -> Description:
    run = current_run()
    told = SchemathesisConfig.from_dict({"seed": SEED if run is None else run.seed, **config})
    loaded = schemathesis.openapi.from_dict(json.loads(_as_json()), config=told)
    loaded.location = description_file().absolute().as_uri()
    return loaded


@cache
def _as_json() -> str:
    """The file, read once: YAML takes fifty times as long as JSON to read."""
    return json.dumps(schemathesis.openapi.from_path(description_file(), config=SchemathesisConfig()).raw_schema)
