"""Sequences as data: the ones of the package leave no answer out, and a wrong file says what is wrong with it."""

from pathlib import Path

import pytest

from queue_contracts.compare.known import KnownError, read_known
from queue_contracts.compare.parser import packaged_sequences, read_sequences
from queue_contracts.compare.seeds import SequenceError
from queue_contracts.compare.steps import Advance, Compared, Deployment, Key, Request, Seed, Until
from queue_contracts.described.operations import packaged_description

# Described, and not brought about by any request to any deployment.
NOT_ASKED_FOR = {
    "429": "a deployment limits the rate or does not, and when is its own affair",
    "runMigration 500": "KV itself must fail",
    "rollbackMigration 500": "KV itself must fail",
}


def test_every_operation_is_asked_for_every_answer_that_is_described() -> None:
    asked = {
        (step.operation, status) for each in packaged_sequences() for step in each.requests for status in step.statuses
    }
    missing = {
        f"{operation.id} {status}"
        for operation in packaged_description().operations.values()
        for status in operation.responses
        if (operation.id, status) not in asked and status != 429
    }
    assert missing == set(NOT_ASKED_FOR) - {"429"}


def test_every_operation_is_asked_with_every_kind_of_key() -> None:
    for operation in packaged_description().operations:
        keys = {step.key for each in packaged_sequences() for step in each.requests if step.operation == operation}
        assert keys >= set(Key) - {Key.QUEUE, Key.ADMIN}, operation


def test_every_status_of_a_step_is_one_that_is_described() -> None:
    operations = packaged_description().operations
    for sequence in packaged_sequences():
        for step in sequence.requests:
            if step.operation:
                assert set(step.statuses) <= set(operations[step.operation].responses), sequence.name


def test_sequences_of_the_package_are_found_by_their_names() -> None:
    names = [each.name for each in packaged_sequences()]
    assert len(names) == len(set(names))
    assert {each.source for each in packaged_sequences()} >= {"authentication.yaml", "migration.yaml", "reading.yaml"}


def read(tmp_path: Path, text: str) -> list[object]:
    file = tmp_path / "mine.yaml"
    file.write_text(text, encoding="utf-8")
    (sequence,) = read_sequences([file])
    return list(sequence.steps)


def test_a_step_is_read_with_all_that_it_says(tmp_path: Path) -> None:
    steps = read(
        tmp_path,
        """
        - name: mine
          steps:
            - seed: [{task: a, ttl_s: 60}, {old_pending: [a, 7]}, {key: "queue:lease:{a}", value: text}]
            - {advance_s: 5}
            - {operation: renewLease, id: a, key: other-scope, status: [401, 403], body: {workerId: "{a}"},
               headers: {X-Other: "1"}, capture: {holder: lease.workerId}, compare: shape,
               until: {status: 403, body: {error: nope}}}
            - {request: "GET /api/queue?x=1", status: 200}
            - {request: "PURGE /api/nothing", status: 404, content: "{"}
        """,
    )
    seed, advance, renew, described, unknown = steps
    assert isinstance(seed, Seed)
    assert [entry["key"] for entry in seed.entries] == ["queue:task:{a}", "orchestrator:pending", "queue:lease:{a}"]
    assert seed.entries[0]["expiration_ttl"] == 60
    assert seed.entries[1]["value"] == ["{a}", 7]
    assert advance == Advance(5)
    assert renew == Request(
        "POST",
        "/api/queue/{a}/renew",
        (401, 403),
        "renewLease",
        Key.OTHER_SCOPE,
        {"workerId": "{a}"},
        None,
        (("X-Other", "1"),),
        (("holder", "lease.workerId"),),
        Until(403, (("error", "nope"),)),
        Compared.SHAPE,
    )
    assert isinstance(described, Request)
    assert described.operation == "listPendingTasks"
    assert unknown == Request("PURGE", "/api/nothing", (404,), content=b"{")


def test_a_sequence_says_how_the_worker_must_be_deployed(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    deployment = "deployment: {version: old, keys: {QUEUE_API_KEY: k}}"
    file.write_text(f"- {{name: mine, steps: [{{advance_s: 1}}], {deployment}}}", encoding="utf-8")
    (sequence,) = read_sequences([file])
    assert sequence.deployment == Deployment("old", (("QUEUE_API_KEY", "k"),))


def test_several_keys_and_bodies_are_that_many_requests(tmp_path: Path) -> None:
    steps = read(
        tmp_path,
        "- {name: mine, steps: [{operation: claimTask, status: 401, key: [none, wrong], contents: [a, b, c]}]}",
    )
    assert [(step.key, step.content) for step in steps if isinstance(step, Request)] == [
        (key, content) for key in (Key.NONE, Key.WRONG) for content in (b"a", b"b", b"c")
    ]


def test_a_name_stands_for_an_id_of_a_path_or_a_seed_or_for_what_was_captured_before(tmp_path: Path) -> None:
    seed, *requests = read(
        tmp_path,
        """
        - name: mine
          steps:
            - seed: [{old_pending: [listed]}, {task: put, fields: {source: "{put}"}}]
            - {operation: getTask, id: asked, status: 404}
            - {operation: claimTask, status: 200, body: {workerId: "{put} {listed} {asked} {Kept} {}"},
               capture: {holder: lease.workerId, taken: taskId}}
            - {operation: renewLease, id: taken, status: 200, body: {workerId: "{holder}"}}
        """,
    )
    assert isinstance(seed, Seed)
    assert len(requests) == 3


def test_many_entries_are_numbered(tmp_path: Path) -> None:
    (seed,) = read(tmp_path, "- {name: mine, steps: [{seed: [{task: t, times: 2}]}]}")
    assert isinstance(seed, Seed)
    assert [entry["key"] for entry in seed.entries] == ["queue:task:{t}-0001", "queue:task:{t}-0002"]


def step(text: str) -> str:
    return f"- {{name: mine, steps: [{text}]}}"


WRONG = [
    ("", "must be a list of sequences"),
    ("[]", "must be a list of sequences"),
    ("- 3", "sequence 1: must be a mapping"),
    ("- {name: mine}", "steps must be a list"),
    ("- {steps: [{advance_s: 1}]}", "name must be a string"),
    ("- {name: mine, steps: [{advance_s: 1}], when: now}", "unknown member 'when'; allowed: allowed, deployment"),
    ("- {name: mine, steps: [{advance_s: 1}], worker_time: 1}", "worker_time must be true or false"),
    ("- {name: mine, steps: [{advance_s: 1}], deployment: old}", "deployment: must be a mapping"),
    ("- {name: mine, steps: [{advance_s: 1}], deployment: {version: 2}}", "version must be a string, not 2"),
    ("- {name: mine, steps: [{advance_s: 1}], deployment: {keys: [a]}}", "keys must map strings to strings"),
    (step("{advance_s: -1}"), "step 1: advance_s must be a whole number, not -1"),
    (step("{seed: []}"), "seed must be a list of entries"),
    (step("{seed: [{}]}"), "an entry has one of task, lease"),
    (step("{seed: [{task: a, colour: red}]}"), "unknown member 'colour'"),
    (step("{seed: [{task: a, ttl_s: long}]}"), "ttl_s must be a whole number, not 'long'"),
    (step("{status: 200}"), "a step must have exactly one of operation, request, seed, advance_s"),
    (step("{operation: stealTask, status: 200}"), "unknown operation 'stealTask'; there are listPendingTasks"),
    (step("{operation: getTask, status: 200}"), "getTask takes one of id and segment"),
    (step("{operation: claimTask, id: a, status: 200}"), "claimTask takes no id and no segment"),
    (step("{request: get /x, status: 200}"), "request must look like 'GET /path', in ASCII, not 'get /x'"),
    (step("{request: GET x, status: 200}"), "request must look like 'GET /path'"),
    (step("{operation: claimTask}"), "status must be a status or a list of them, not null"),
    (step("{operation: claimTask, status: [200, ok]}"), "status must be a status"),
    (step("{operation: claimTask, status: 20}"), "status must be a status"),
    (step("{operation: claimTask, status: 200, key: mine}"), "key must be one of right, queue, admin"),
    (step("{operation: claimTask, status: 200, compare: all}"), "compare must be one of words, answer, shape, status"),
    (
        step("{operation: claimTask, status: 200, body: {}, content: x}"),
        "a request must not have both body and content",
    ),
    (step("{operation: claimTask, status: 200, content: 5}"), "content must be a string"),
    (step("{operation: claimTask, status: 200, bodies: 5}"), "bodies and contents must be lists"),
    (step("{operation: claimTask, status: 200, headers: {a: 1}}"), "headers must map strings to strings"),
    (step("{operation: claimTask, status: 200, until: {after: 3}}"), "until: unknown member 'after'"),
    (
        step("{operation: claimTask, status: 200, capture: {worker_id: taskId}}"),
        "capture 'worker_id': a name has",
    ),
    (step('{operation: claimTask, status: 200, body: {workerId: "{nobody}"}}'), "step 1: {nobody} is unknown"),
    (step('{operation: claimTask, status: 200, headers: {a: "{nobody:64}"}}'), "{nobody} is unknown"),
    (step('{operation: getTask, id: a, status: 200, until: {body: {id: "{nobody}"}}}'), "{nobody} is unknown"),
    (step('{seed: [{lease: a, worker: "{nobody}"}]}'), "{nobody} is unknown"),
    (step("{operation: claimTask, status: 200, body: {a: [{b: ' {nobody}'}]}}"), "{nobody} is unknown"),
    (
        step("{operation: getTask, id: t, status: 200}, {operation: claimTask, status: 200, capture: {t: taskId}}"),
        "step 1: {t} is unknown: no earlier step captures it",
    ),
    (step("{seed: [{task: a, fields: 5}]}"), "step 1: fields: must be a mapping"),
    (step("{seed: [{old_pending: 5}]}"), "old_pending must be a list of ids, not 5"),
    (step("{seed: [{lease: a, worker: 5}]}"), "worker must be a string, not 5"),
    (
        step("{operation: claimTask, status: 200, body: {day: 2026-11-20}}"),
        "sequence 1, steps[0].body.day: 2026-11-20 is not a value of JSON; put it in quotes",
    ),
    (step("{operation: claimTask, status: 200, body: {1: a}}"), "steps[0].body: the name 1 must be a text"),
    (step("{operation: claimTask, status: 200, body: .nan}"), "steps[0].body: nan is not a value of JSON"),
    ("- 2026-11-20", "sequence 1, 2026-11-20 is not a value of JSON"),
    ("- [", "mine.yaml"),
]


@pytest.mark.parametrize(("text", "said"), WRONG)
def test_a_wrong_file_is_refused_with_the_place_and_what_is_allowed(text: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(SequenceError) as refused:
        read(tmp_path, text)
    assert "mine.yaml" in str(refused.value)
    assert said in str(refused.value)


def test_two_sequences_of_one_name_are_refused(tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("one.yaml", "two.yaml")]
    for file in files:
        file.write_text(step("{advance_s: 1}"))
    with pytest.raises(SequenceError, match=r"two\.yaml: there are two sequences named 'mine'"):
        read_sequences(files)


BOMB = "- &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"- &{name} [{', '.join([f'*{of}'] * 10)}]\n" for of, name in zip("abcdefgh", "bcdefghi", strict=True)
)
ENDLESS = {
    "aliases of aliases": (BOMB, "more than 100,000 values, aliases included"),
    "an alias of itself": ("- &a [*a, *a]\n", "more than 100,000 values, aliases included"),
    "deep brackets": ("[" * 5_000, "nested too deep"),
    "deep members": ("".join(f"{' ' * depth}a:\n" for depth in range(1_000)), "nested too deep"),
    "many bytes": ("#" * 1_000_001, "more than 1,000,000 bytes"),
    "an object of Python": ("- !!python/object/apply:os.system ['true']", "is not read"),
}


@pytest.mark.parametrize("kind", ENDLESS)
def test_a_file_that_cannot_be_read_to_an_end_is_refused_in_one_line(kind: str, tmp_path: Path) -> None:
    text, said = ENDLESS[kind]
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    for read_file, error in ((lambda: read_sequences([path]), SequenceError), (lambda: read_known(path), KnownError)):
        with pytest.raises(error, match=said) as refused:
            read_file()
        assert "\n" not in str(refused.value)


def test_a_device_without_an_end_is_given_up(tmp_path: Path) -> None:
    (tmp_path / "zero.yaml").symlink_to("/dev/zero")
    with pytest.raises(SequenceError, match="not a regular file"):
        read_sequences([tmp_path / "zero.yaml"])
