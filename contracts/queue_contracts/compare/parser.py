"""Reads sequences from YAML, and says of a wrong one where it is wrong and what is allowed.

A file is a list of sequences, each a mapping with `name`, `steps` and optional `worker_time`, `deployment`
(`{version: old, keys: {QUEUE_API_KEY: …}}`) and `allowed` (what only some deployments do). A step is one of

    {operation: claimTask, status: 200, body: {workerId: w}}             a described request; `id: a` where it has one
    {request: "DELETE /api/queue/{a}", status: [404, 405]}               any other
    {seed: [{task: a}, {lease: a, worker: w, ttl_s: 300}]}               data that is put into KV
    {advance_s: 60}                                                      time that passes

`key` as a list, `bodies` and `contents` make a request of each of their members.
"""

from collections.abc import Iterator
from collections.abc import Sequence as List
from enum import Enum
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import TypeVar

from queue_contracts.compare.naming import CAPTURABLE
from queue_contracts.compare.placeholders import require_meaning
from queue_contracts.compare.seeds import SequenceError, members, seed, whole
from queue_contracts.compare.steps import Advance, Compared, Deployment, Key, Request, Sequence, Step, Until
from queue_contracts.described.operations import packaged_description
from queue_contracts.json_values import Fields, Json, OtherForm, as_json, shown
from queue_contracts.untrusted.files import read_yaml

_OF_A_SEQUENCE = {"name", "steps", "worker_time", "deployment", "allowed"}
_OF_A_REQUEST = {
    *("operation", "request", "id", "segment", "key", "headers", "body", "bodies", "content", "contents"),
    *("status", "capture", "until", "compare"),
}
_TTL_S = 3600

_Choice = TypeVar("_Choice", bound=Enum)


@cache
def packaged_sequences() -> tuple[Sequence, ...]:
    """The sequences of this package, by file name and then as they stand there."""
    folder = files(__package__) / "sequences"
    found = sorted((each for each in folder.iterdir() if each.name.endswith(".yaml")), key=lambda each: each.name)
    return _with_distinct_names([sequence for file in found for sequence in _read(file)])


def read_sequences(paths: List[Path]) -> tuple[Sequence, ...]:
    """The sequences of these files. Raises SequenceError, with nothing read in part."""
    return _with_distinct_names([sequence for path in paths for sequence in _read(path)])


def _read(file: Traversable | Path) -> Iterator[Sequence]:
    try:
        data = read_yaml(file)
    except (OSError, ValueError) as error:
        raise SequenceError(f"{file.name}: {error}") from None
    if not isinstance(data, list) or not data:
        raise SequenceError(f"{file.name}: must be a list of sequences")
    for number, given in enumerate(data, 1):
        where = f"{file.name}, sequence {number}"
        try:
            sequence = members(as_json(given), _OF_A_SEQUENCE, where)
        except OtherForm as error:
            raise SequenceError(f"{where}, {error}") from None
        yield _sequence(sequence, where, file.name)


def _sequence(given: Fields, where: str, source: str) -> Sequence:
    name, steps = given.get("name"), given.get("steps")
    if not isinstance(name, str) or not name:
        raise SequenceError(f"{where}: name must be a string")
    if not isinstance(steps, list) or not steps:
        raise SequenceError(f"{where} ({name}): steps must be a list")
    places = (f"{where} ({name}), step {position}" for position, _ in enumerate(steps, 1))
    placed = [(place, each) for step, place in zip(steps, places, strict=True) for each in _step(step, place)]
    require_meaning(placed)
    deployment = _deployment(given["deployment"], where) if "deployment" in given else None
    allowed = given.get("allowed", "")
    if not isinstance(allowed, str):
        raise SequenceError(f"{where}: allowed must be a text, not {shown(allowed)}")
    worker_time = given.get("worker_time", False)
    if not isinstance(worker_time, bool):
        raise SequenceError(f"{where}: worker_time must be true or false")
    return Sequence(name, tuple(each for _, each in placed), worker_time, deployment, source, allowed)


def _step(given: Json, where: str) -> list[Step]:
    if isinstance(given, dict) and set(given) == {"advance_s"}:
        return [Advance(whole(given["advance_s"], "advance_s", where))]
    if isinstance(given, dict) and set(given) == {"seed"}:
        return [seed(given["seed"], where)]
    request = members(given, _OF_A_REQUEST, where)
    if ("operation" in request) == ("request" in request):
        raise SequenceError(f"{where}: a step must have exactly one of operation, request, seed, advance_s")
    return [_request(each, where) for each in _spread(request, where)]


def _spread(given: Fields, where: str) -> Iterator[Fields]:
    """A request for each of several keys, bodies or contents."""
    for several, one in (("key", "key"), ("bodies", "body"), ("contents", "content")):
        values = given.get(several)
        if isinstance(values, list):
            rest = {name: value for name, value in given.items() if name != several}
            for value in values:
                yield from _spread({**rest, one: value}, where)
            return
    if "bodies" in given or "contents" in given:
        raise SequenceError(f"{where}: bodies and contents must be lists")
    yield given


def _request(given: Fields, where: str) -> Request:
    method, path, operation = _described(given, where) if "operation" in given else _raw(given, where)
    return Request(
        method,
        path,
        _statuses(given.get("status"), where),
        operation,
        _choice(given.get("key", "right"), Key, "key", where),
        given.get("body"),
        _content(given, where),
        tuple(_texts(given.get("headers", {}), "headers", where)),
        tuple(_captures(given.get("capture", {}), where)),
        _until(given["until"], where) if "until" in given else None,
        _choice(given.get("compare", "answer"), Compared, "compare", where),
    )


def _described(given: Fields, where: str) -> tuple[str, str, str]:
    """Method, path and id of a described operation; `id` is a name, `segment` goes into the path as it is."""
    described = packaged_description().operations
    operation = described.get(str(given["operation"]))
    if operation is None:
        raise SequenceError(f"{where}: unknown operation {given['operation']!r}; there are {', '.join(described)}")
    needs_id = "{id}" in operation.template
    if needs_id != (("id" in given) != ("segment" in given)):
        wanted = "one of id and segment" if needs_id else "no id and no segment"
        raise SequenceError(f"{where}: {operation.id} takes {wanted}")
    segment = str(given["segment"]) if "segment" in given else f"{{{given.get('id')}}}"
    return operation.method, operation.template.replace("{id}", segment), operation.id


def _raw(given: Fields, where: str) -> tuple[str, str, str]:
    method, _, path = str(given["request"]).partition(" ")
    if not (method.isupper() and method.isalpha() and path.startswith("/") and path.isascii() and " " not in path):
        raise SequenceError(f"{where}: request must look like 'GET /path', in ASCII, not {given['request']!r}")
    operation = packaged_description().find(method, path)
    return method, path, operation.id if operation else ""


def _deployment(given: Json, where: str) -> Deployment:
    found = members(given, {"version", "keys"}, f"{where}, deployment")
    version = found.get("version", "new")
    if not isinstance(version, str):
        raise SequenceError(f"{where}, deployment: version must be a string, not {shown(version)}")
    return Deployment(version, tuple(_texts(found.get("keys", {}), "keys", f"{where}, deployment")))


def _until(given: Json, where: str) -> Until:
    found = members(given, {"status", "body"}, f"{where}, until")
    body = found.get("body", {})
    if not isinstance(body, dict):
        raise SequenceError(f"{where}, until: body must be a mapping of paths to values")
    return Until(whole(found.get("status", 200), "status", where), tuple(body.items()))


def _statuses(given: Json, where: str) -> tuple[int, ...]:
    listed = given if isinstance(given, list) else [given]
    statuses = tuple(each for each in listed if isinstance(each, int) and 100 <= each <= 599)
    if not listed or len(statuses) < len(listed):
        raise SequenceError(f"{where}: status must be a status or a list of them, not {shown(given)}")
    return statuses


def _content(given: Fields, where: str) -> bytes | None:
    if "body" in given and "content" in given:
        raise SequenceError(f"{where}: a request must not have both body and content")
    content = given.get("content", "")
    if not isinstance(content, str):
        raise SequenceError(f"{where}: content must be a string")
    return content.encode() if "content" in given else None


def _texts(given: Json, name: str, where: str) -> Iterator[tuple[str, str]]:
    texts = [(key, value) for key, value in given.items() if isinstance(value, str)] if isinstance(given, dict) else []
    if not isinstance(given, dict) or len(texts) < len(given):
        raise SequenceError(f"{where}: {name} must map strings to strings")
    yield from texts


def _captures(given: Json, where: str) -> Iterator[tuple[str, str]]:
    for name, path in _texts(given, "capture", where):
        if not CAPTURABLE.fullmatch(name):
            raise SequenceError(f"{where}: capture {name!r}: a name has lower-case letters, digits and hyphens")
        yield name, path


def _choice(given: Json, choices: type[_Choice], name: str, where: str) -> _Choice:
    try:
        return choices(given)
    except ValueError:
        allowed = ", ".join(str(each.value) for each in choices)
        raise SequenceError(f"{where}: {name} must be one of {allowed}, not {shown(given)}") from None


def _with_distinct_names(sequences: list[Sequence]) -> tuple[Sequence, ...]:
    seen: dict[str, Sequence] = {}
    for sequence in sequences:
        if sequence.name in seen:
            raise SequenceError(f"{sequence.source}: there are two sequences named {sequence.name!r}")
        seen[sequence.name] = sequence
    return tuple(sequences)
