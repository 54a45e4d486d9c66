"""openapi.yaml names what the Worker answers: no operation more, none less, each with the Worker's own scope."""

from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from openapi_schema_validator import OAS31Validator

from queue_emulator.core.javascript import Json, stringify_json
from queue_emulator.worker.auth import Scope
from queue_emulator.worker.bodies import BodyError, parse_body
from queue_emulator.worker.fetch import ROUTES, Route
from queue_emulator.worker.portable import departures_of_body, departures_of_id
from tests.docs.openapi_page import PAGE, page

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


MEMBERS = ("workerId", "leaseDurationSec", "extendSec", "reason", "status", "success", "output", "error", "id", "")
EDGES: tuple[Json, ...] = (
    *(59, 60, 300, 600, 600.0, 600.5, 601, 1e300, "", "w", "x" * 128, "x" * 129, "🐢" * 128),
    *("pending", "claimed", "completed", "failed", "processing", "Pending"),
    *(True, False, None, [], {}),
)
VALUES = st.one_of(st.sampled_from(EDGES), st.integers(), st.text(max_size=3))
OF_EACH_BODY = pytest.mark.parametrize(
    "route", [each for each in ROUTES if each.fields is not None], ids=lambda each: each.template
)


@OF_EACH_BODY
def test_each_member_at_the_edges_is_told_as_not_portable_as_its_schema_refuses_it(route: Route) -> None:
    for member in MEMBERS:
        for value in EDGES:
            bodies: list[dict[str, Json]] = [{}, {"workerId": "w", "status": "failed", "success": True}]
            for body in ({**each, member: value} for each in bodies):
                assert portable(route, body) is described(route.method, route.template).is_valid(body), body


@pytest.mark.slow
@OF_EACH_BODY
@given(body=st.dictionaries(st.sampled_from(MEMBERS), VALUES, max_size=4))
@settings(deadline=None, max_examples=150)
def test_what_is_told_as_not_portable_is_what_its_schemas_refuse(route: Route, body: dict[str, Json]) -> None:
    assert portable(route, body) is described(route.method, route.template).is_valid(body)


def portable(route: Route, body: dict[str, Json]) -> bool:
    """Whether the Worker takes it and tells nothing of it."""
    assert route.fields is not None
    try:
        taken = parse_body(stringify_json(body).encode(), route.fields)
    except BodyError:
        return False
    return not [*departures_of_body(f"{route.method} {route.template}", taken)]


@cache
def described(method: str, template: str) -> OAS31Validator:
    """What the description says of the body of a route; made once, since to make it takes longer than to use it."""
    content = SPECIFICATION["paths"][template][method.lower()]["requestBody"]["content"]
    return OAS31Validator({**content["application/json"]["schema"], "components": SPECIFICATION["components"]})


@given(task_id=st.text(st.sampled_from("aZ09-_./ é🚀"), max_size=66) | st.just("x" * 64) | st.just("x" * 65))
@settings(deadline=None)
def test_an_id_that_is_told_as_not_portable_is_one_that_its_parameter_refuses(task_id: str) -> None:
    schema = SPECIFICATION["components"]["parameters"]["TaskId"]["schema"]
    assert ([*departures_of_id(task_id)] == []) is OAS31Validator(schema).is_valid(task_id)


def test_the_emulator_s_page_is_what_the_description_says_now() -> None:
    assert PAGE.read_text("utf-8") == page(SPECIFICATION), "make it anew: python -m tests.docs.openapi_page"


def test_the_page_leads_nowhere_else_runs_nothing_and_has_a_place_for_each_of_its_links() -> None:
    links: list[str] = []
    places: list[str] = []
    tags: set[str] = set()

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            tags.add(tag)
            given = dict(attrs)
            assert not [name for name in given if name in ("src", "style") or name.startswith("on")], (tag, given)
            links.extend(str(value) for name, value in attrs if name == "href")
            places.extend(str(value) for name, value in attrs if name == "id")

    Reader().feed(PAGE.read_text("utf-8"))
    assert not tags & {"script", "link", "img", "iframe", "object", "embed", "form", "base", "svg"}
    assert {link for link in links if not link.startswith("#")} == {"openapi.yaml"}
    assert {link[1:] for link in links if link.startswith("#")} <= set(places)
    assert len(places) == len(set(places)) == len(ROUTES) + len(SPECIFICATION["components"]["schemas"])


def _scheme(operation: dict[str, object]) -> str:
    security = operation.get("security", SPECIFICATION.get("security"))
    assert isinstance(security, list)
    ((name,),) = security
    return str(name).removesuffix("Key").removesuffix("_key").lower()
