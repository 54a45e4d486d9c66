"""`openapi.yaml` itself: valid, complete, and with examples that keep its own rules."""

from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema_rs import Draft202012Validator

from queue_contracts.checks.description import Description

ROUTES = {
    "GET /api/queue",
    "POST /api/queue/claim",
    "GET /api/queue/{id}",
    "POST /api/queue/{id}/release",
    "POST /api/queue/{id}/renew",
    "POST /api/queue/{id}/status",
    "POST /api/result/{id}",
    "GET /api/result/{id}",
    "GET /api/migrate/status",
    "POST /api/migrate/run",
    "POST /api/migrate/rollback",
}


@pytest.fixture(scope="module")
def raw(description: Description) -> dict[str, Any]:
    schema: dict[str, Any] = description.raw_schema
    return schema


SCHEMA_WORDS = {
    "$ref", "type", "format", "pattern", "enum", "const", "default", "description", "examples",
    "properties", "required", "additionalProperties", "items", "minItems", "maxItems",
    "minLength", "maxLength", "minimum", "maximum", "oneOf", "allOf",
}  # fmt: skip


def schemas_in(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A schema and those inside it."""
    yield schema
    inner = [*schema.get("properties", {}).values(), *schema.get("oneOf", []), *schema.get("allOf", [])]
    for each in [*inner, *([schema["items"]] if "items" in schema else [])]:
        yield from schemas_in(each)


def operations(raw: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in raw["paths"].items():
        for method, operation in methods.items():
            if method != "parameters":
                yield f"{method.upper()} {path}", operation


def resolved(raw: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    """What a local `$ref` points at, or the node itself."""
    while "$ref" in node:
        target: Any = raw
        for step in node["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        node = target
    return node


def media(raw: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every described body: of requests, and of answers by status."""
    for label, operation in operations(raw):
        for content in operation.get("requestBody", {}).get("content", {}).values():
            yield f"{label} request", content
        for status, response in operation["responses"].items():
            for content in resolved(raw, response)["content"].values():
                yield f"{label} {status}", content


def test_the_description_is_valid_openapi_3_1(raw: dict[str, Any]) -> None:
    assert raw["openapi"].startswith("3.1.")
    from openapi_spec_validator import OpenAPIV31SpecValidator  # a third of a second, for this check alone

    OpenAPIV31SpecValidator(raw).validate()


def test_it_describes_the_eleven_routes_and_no_others(raw: dict[str, Any]) -> None:
    assert {label for label, _ in operations(raw)} == ROUTES


def test_every_operation_describes_a_refused_key_and_a_rate_limit_that_says_how_long(raw: dict[str, Any]) -> None:
    for label, operation in operations(raw):
        assert "401" in operation["responses"], label
        limited = resolved(raw, operation["responses"]["429"])
        header = resolved(raw, limited["headers"]["Retry-After"])
        assert header["required"] is True, label


def test_every_operation_needs_the_key_of_its_scope(raw: dict[str, Any]) -> None:
    for label, operation in operations(raw):
        expected = "AdminKey" if "/api/migrate/" in label else "QueueKey"
        assert operation["security"] == [{expected: []}], label


def test_every_operation_is_explained_and_every_body_shown(raw: dict[str, Any]) -> None:
    for label, operation in operations(raw):
        assert operation["summary"], label
        assert operation["description"], label
    for where, content in media(raw):
        assert "example" in content or content.get("examples"), f"{where} has no example"


def test_every_object_of_an_answer_is_closed_but_what_callers_put_in(raw: dict[str, Any]) -> None:
    requests = {name for name in raw["components"]["schemas"] if name.endswith("Request")}
    open_to_more = {
        name
        for name, schema in raw["components"]["schemas"].items()
        if name not in requests
        for part in schemas_in(schema)
        if part.get("type") == "object" and "properties" in part and part.get("additionalProperties") is not False
    }
    assert open_to_more == {"Task", "StoredResult"}


def test_no_schema_has_a_word_that_json_schema_does_not_know(raw: dict[str, Any]) -> None:
    """A comma in an unquoted description ends it, and what follows becomes a word that every validator overlooks."""
    described = list(raw["components"]["schemas"].values())
    described += [content["schema"] for _, content in media(raw)]
    described += [parameter["schema"] for parameter in raw["components"]["parameters"].values()]
    unknown = {word for schema in described for part in schemas_in(schema) for word in part} - SCHEMA_WORDS
    assert unknown == set()


def test_every_example_keeps_the_schema_it_stands_beside(raw: dict[str, Any]) -> None:
    checked = 0
    for where, content in media(raw):
        schema = {"components": raw["components"], **content["schema"]}
        validator = Draft202012Validator(schema, validate_formats=True)
        examples = [example["value"] for example in content.get("examples", {}).values()]
        for example in [*examples, *([content["example"]] if "example" in content else [])]:
            problems = [problem.message for problem in validator.iter_errors(example)]
            assert not problems, f"{where}: {problems}"
            checked += 1
    assert checked > len(ROUTES)


def test_every_link_leads_to_an_operation_that_takes_what_it_hands_on(raw: dict[str, Any]) -> None:
    by_id = {operation["operationId"]: (label, operation) for label, operation in operations(raw)}
    assert len(by_id) == len(ROUTES)
    linked = 0
    for label, operation in operations(raw):
        for response in operation["responses"].values():
            for name, link in response.get("links", {}).items():
                target, description = by_id[link["operationId"]]
                assert set(link.get("parameters", {})) == ({"id"} if "{id}" in target else set()), f"{label} {name}"
                assert "requestBody" not in link or "requestBody" in description, f"{label} {name}"
                linked += 1
    assert linked
