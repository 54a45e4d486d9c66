"""What `openapi.yaml` allows an answer to be, said of one answer at a time and member by member."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml
from jsonschema_rs import Draft202012Validator, ValidationError, ValidationErrorKind

from queue_contracts.described.answers import Answer
from queue_contracts.json_values import Fields, Json, NoJson, as_json, fields, items, text, without_halves
from queue_contracts.packaged import description_file

_METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")


@dataclass(frozen=True)
class Violation:
    """Where an answer leaves the description, as a field of the comparison names it, and how."""

    field: str
    why: str


@dataclass(frozen=True)
class Operation:
    """One described operation. `responses` by status, with references resolved; `tag` is the group it belongs to."""

    id: str
    method: str
    template: str
    responses: dict[int, Fields]
    tag: str

    @property
    def label(self) -> str:
        return f"{self.method} {self.template}"

    def fits(self, method: str, path: str) -> bool:
        pattern = re.escape(self.template).replace(re.escape("{id}"), "[^/?]+")
        return method == self.method and re.fullmatch(pattern + r"(\?.*)?", path) is not None


class Description:
    """The operations of an `openapi.yaml`, and the validators of their answers."""

    def __init__(self, document: Fields) -> None:
        self._document = document
        self.operations = {operation.id: operation for operation in self._read_operations()}
        self._validators: dict[int, Draft202012Validator] = {}

    def find(self, method: str, path: str) -> Operation | None:
        """The operation that a request is; a fixed path goes before one with an id."""
        fitting = [each for each in self.operations.values() if each.fits(method, path)]
        return min(fitting, key=lambda each: each.template.count("{"), default=None)

    def named(self, name: str) -> frozenset[str]:
        """The ids that a name stands for: of an operation, or of all with a tag; none for another name."""
        return frozenset(each.id for each in self.operations.values() if name in (each.id, each.tag))

    def violations(self, operation_id: str, answer: Answer) -> list[Violation]:
        """Every way in which the answer is none of the described ones; none for a request that is not described."""
        operation = self.operations.get(operation_id)
        if operation is None:
            return []
        response = operation.responses.get(answer.status)
        if response is None:
            described = ", ".join(map(str, sorted(operation.responses)))
            return [
                Violation(
                    "status", f"status {answer.status} is not in openapi.yaml for {operation_id}, only {described}"
                )
            ]
        found = list(self._wrong_headers(response, answer))
        content = fields(response.get("content", {}))
        if content and answer.media_type not in content:
            sent = answer.header("content-type") or "none"
            return [
                *found,
                Violation("content-type", f"content type {sent!r} is not in openapi.yaml, only {', '.join(content)}"),
            ]
        if answer.media_type == "application/json" and content:
            found += self._wrong_body(fields(fields(content["application/json"])["schema"]), answer)
        return found

    def _wrong_headers(self, response: Fields, answer: Answer) -> Iterator[Violation]:
        for name, given in fields(response.get("headers", {})).items():
            header, value = resolved(self._document, given), answer.header(name.lower())
            if value is None:
                if header.get("required"):
                    yield Violation(f"header {name.lower()}", f"the header {name} is missing")
            elif fields(header["schema"]).get("type") == "integer" and not (value.isascii() and value.isdigit()):
                yield Violation(f"header {name.lower()}", f"the header {name} must be a whole number, not {value!r}")

    def _wrong_body(self, schema: Fields, answer: Answer) -> Iterator[Violation]:
        try:
            body = answer.json()
        except NoJson as error:
            yield Violation("body", f"the body is not JSON: {error}")
            return
        for problem in self._validator(schema).iter_errors(without_halves(body)):
            for each in _of_the_branch_meant(problem):
                field = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in each.instance_path)
                yield Violation("body" + field, _shortened(each.message))

    def _validator(self, schema: Fields) -> Draft202012Validator:
        if id(schema) not in self._validators:
            whole = {"components": self._document["components"], **schema}
            self._validators[id(schema)] = Draft202012Validator(whole, validate_formats=True)
        return self._validators[id(schema)]

    def _read_operations(self) -> Iterator[Operation]:
        for template, method, operation in operations_in(self._document):
            answers = fields(operation["responses"]).items()
            responses = {int(status): resolved(self._document, each) for status, each in answers}
            tag = next(map(text, items(operation.get("tags", []))), "")
            yield Operation(text(operation["operationId"]), method, template, responses, tag)


def operations_in(document: Fields) -> Iterator[tuple[str, str, Fields]]:
    """Path, method and what is said of it, of every operation of an OpenAPI document."""
    for template, path in fields(document["paths"]).items():
        for method, operation in fields(path).items():
            if method in _METHODS:
                yield template, method.upper(), fields(operation)


def resolved(document: Fields, node: Json) -> Fields:
    """What a local `$ref` points at, or the node itself."""
    found = fields(node)
    while "$ref" in found:
        target: Json = document
        for step in text(found["$ref"]).removeprefix("#/").split("/"):
            target = fields(target)[step]
        found = fields(target)
    return found


@cache
def packaged_description() -> Description:
    """The `openapi.yaml` that this package comes with."""
    return load_description(description_file())


def load_description(path: Path) -> Description:
    # The parser in C is ten times as fast; where PyYAML was built without it, its own does the same.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return Description(fields(as_json(yaml.load(path.read_text(encoding="utf-8"), loader))))


def _of_the_branch_meant(problem: ValidationError) -> list[ValidationError]:
    """Of a body that fits none of several schemas, what is wrong by the one whose constants it has."""
    kind = problem.kind
    if not isinstance(kind, ValidationErrorKind.OneOfNotValid):
        return [problem]
    branches = [branch for branch in kind.context if all(each.kind.name != "const" for each in branch)]
    return branches[0] if len(branches) == 1 else [problem]


def _shortened(message: str, length_max: int = 200) -> str:
    return message if len(message) <= length_max else message[:length_max] + " …"
