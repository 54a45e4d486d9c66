"""`openapi.yaml` as Schemathesis reads it, with its settings written down so that no run depends on where it starts."""

from pathlib import Path
from typing import Any, TypeAlias

import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.generation.case import Case
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.schemas import OpenApiSchema

from contracts.reproducibility import ignore_literals_of_the_source

ignore_literals_of_the_source()

Description: TypeAlias = OpenApiSchema
Operation: TypeAlias = APIOperation[Any, Any, Any, Any]
GeneratedCase: TypeAlias = Case[Any]

SEED = 20261120

CONFIG: dict[str, Any] = {
    "seed": SEED,
    "generation": {
        "mode": "all",
        "max-examples": 40,
        # A failure that is replayed first would change every request after it.
        "database": "none",
    },
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
    "checks": {
        # Deployments may take more than the portable range; what all of them refuse is in test_refusals.py.
        "negative_data_rejection": {"enabled": False},
        "unsupported_method": {"enabled": False},
    },
}


def path_of_description() -> Path:
    """Inside the package once installed, one folder up in a checkout."""
    here = Path(__file__).resolve().parent
    candidates = [here / "openapi.yaml", here.parent / "openapi.yaml"]
    for candidate in candidates:
        if candidate.is_file():
            return candidate
    raise FileNotFoundError(f"openapi.yaml is neither at {candidates[0]} nor at {candidates[1]}")


def load_description() -> Description:
    """A fresh schema: hooks registered on one do not reach another."""
    return schemathesis.openapi.from_path(path_of_description(), config=SchemathesisConfig.from_dict(CONFIG))
