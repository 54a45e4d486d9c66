"""openapi.yaml names what the Worker answers: no operation more, none less, each with the Worker's own scope."""

from pathlib import Path

import yaml

from queue_emulator.worker.auth import Scope
from queue_emulator.worker.fetch import ROUTES

SPECIFICATION = yaml.safe_load((Path(__file__).parents[2] / "openapi.yaml").read_text("utf-8"))
METHODS = {"get", "put", "post", "delete", "options", "head", "patch", "trace"}


def operations() -> dict[tuple[str, str], dict[str, object]]:
    return {
        (method.upper(), path): operation
        for path, item in SPECIFICATION["paths"].items()
        for method, operation in item.items()
        if method in METHODS
    }


def test_its_operations_are_the_routes_of_the_worker() -> None:
    assert set(operations()) == {(route.method, route.template) for route in ROUTES}
    assert len(operations()) == len(ROUTES) == 11


def test_each_operation_is_opened_by_the_key_of_its_routes_scope() -> None:
    schemes = SPECIFICATION["components"]["securitySchemes"]
    scopes = {route: Scope(_scheme(operation)) for route, operation in operations().items()}
    assert scopes == {(route.method, route.template): route.scope for route in ROUTES}
    assert {scheme["name"] for scheme in schemes.values()} == {"X-API-Key"}


def test_a_body_is_described_where_the_worker_takes_one() -> None:
    described = {route for route, operation in operations().items() if "requestBody" in operation}
    assert described == {(route.method, route.template) for route in ROUTES if route.fields is not None}


def _scheme(operation: dict[str, object]) -> str:
    security = operation.get("security", SPECIFICATION.get("security"))
    assert isinstance(security, list)
    ((name,),) = security
    return str(name).removesuffix("Key").removesuffix("_key").lower()
