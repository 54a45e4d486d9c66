"""`openapi.yaml` itself: valid, complete, and with examples that keep its own rules."""

from collections.abc import Iterator

import pytest
from jsonschema_rs import Draft202012Validator

from queue_contracts.checks.description import Description
from queue_contracts.described.operations import operations_in, resolved
from queue_contracts.json_values import Fields, Json, as_json, fields, items, text

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
def raw(description: Description) -> Fields:
    return fields(as_json(description.raw_schema))


SCHEMA_WORDS = {
    "$ref", "type", "format", "pattern", "enum", "const", "default", "description", "examples",
    "properties", "required", "additionalProperties", "items", "minItems", "maxItems",
    "minLength", "maxLength", "minimum", "maximum", "oneOf", "allOf",
}  # fmt: skip


def schemas_in(schema: Json) -> Iterator[Fields]:
    """A schema and those inside it."""
    given = fields(schema)
    yield given
    inner = [*within(given, "properties").values(), *items(given.get("oneOf", [])), *items(given.get("allOf", []))]
    for each in [*inner, *([given["items"]] if "items" in given else [])]:
        yield from schemas_in(each)


def within(node: Fields, *names: str) -> Fields:
    """The members at the end of these names; none where a name is not there."""
    for name in names:
        node = fields(node.get(name, {}))
    return node


def operations(raw: Fields) -> Iterator[tuple[str, Fields]]:
    for path, method, operation in operations_in(raw):
        yield f"{method} {path}", operation


def media(raw: Fields) -> Iterator[tuple[str, Fields]]:
    """Every described body: of requests, and of answers by status."""
    for label, operation in operations(raw):
        for content in within(operation, "requestBody", "content").values():
            yield f"{label} request", fields(content)
        for status, response in fields(operation["responses"]).items():
            for content in fields(resolved(raw, response)["content"]).values():
                yield f"{label} {status}", fields(content)


def test_the_description_is_valid_openapi_3_1(raw: Fields) -> None:
    assert text(raw["openapi"]).startswith("3.1.")
    from openapi_spec_validator import OpenAPIV31SpecValidator  # a third of a second, for this check alone

    OpenAPIV31SpecValidator(raw).validate()


def test_it_describes_the_eleven_routes_and_no_others(raw: Fields) -> None:
    assert {label for label, _ in operations(raw)} == ROUTES


def test_every_operation_describes_a_refused_key_and_a_rate_limit_that_says_how_long(raw: Fields) -> None:
    for label, operation in operations(raw):
        responses = fields(operation["responses"])
        assert "401" in responses, label
        limited = resolved(raw, responses["429"])
        header = resolved(raw, fields(limited["headers"])["Retry-After"])
        assert header["required"] is True, label


def test_every_operation_needs_the_key_of_its_scope(raw: Fields) -> None:
    for label, operation in operations(raw):
        expected = "AdminKey" if "/api/migrate/" in label else "QueueKey"
        assert operation["security"] == [{expected: []}], label


def test_every_operation_is_explained_and_every_body_shown(raw: Fields) -> None:
    for label, operation in operations(raw):
        assert operation["summary"], label
        assert operation["description"], label
    for where, content in media(raw):
        assert "example" in content or content.get("examples"), f"{where} has no example"


def test_every_object_of_an_answer_is_closed_but_what_callers_put_in(raw: Fields) -> None:
    schemas = within(raw, "components", "schemas")
    requests = {name for name in schemas if name.endswith("Request")}
    open_to_more = {
        name
        for name, schema in schemas.items()
        if name not in requests
        for part in schemas_in(schema)
        if part.get("type") == "object" and "properties" in part and part.get("additionalProperties") is not False
    }
    assert open_to_more == {"Task", "StoredResult"}


def test_no_schema_has_a_word_that_json_schema_does_not_know(raw: Fields) -> None:
    """A comma in an unquoted description ends it, and what follows becomes a word that every validator overlooks."""
    described = list(within(raw, "components", "schemas").values())
    described += [content["schema"] for _, content in media(raw)]
    described += [fields(each)["schema"] for each in within(raw, "components", "parameters").values()]
    unknown = {word for schema in described for part in schemas_in(schema) for word in part} - SCHEMA_WORDS
    assert unknown == set()


def test_every_example_keeps_the_schema_it_stands_beside(raw: Fields) -> None:
    checked = 0
    for where, content in media(raw):
        schema = {"components": raw["components"], **fields(content["schema"])}
        validator = Draft202012Validator(schema, validate_formats=True)
        examples = [fields(example)["value"] for example in within(content, "examples").values()]
        for example in [*examples, *([content["example"]] if "example" in content else [])]:
            problems = [problem.message for problem in validator.iter_errors(example)]
            assert not problems, f"{where}: {problems}"
            checked += 1
    assert checked > len(ROUTES)


def test_every_link_leads_to_an_operation_that_takes_what_it_hands_on(raw: Fields) -> None:
    by_id = {text(operation["operationId"]): (label, operation) for label, operation in operations(raw)}
    assert len(by_id) == len(ROUTES)
    linked = 0
    for label, operation in operations(raw):
        for response in fields(operation["responses"]).values():
            for name, given in within(fields(response), "links").items():
                link = fields(given)
                target, description = by_id[text(link["operationId"])]
                assert set(within(link, "parameters")) == ({"id"} if "{id}" in target else set()), f"{label} {name}"
                assert "requestBody" not in link or "requestBody" in description, f"{label} {name}"
                linked += 1
    assert linked
