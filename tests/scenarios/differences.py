"""Says where two transcripts of one scenario part, with each request as a curl line that can be tried by hand."""

import difflib
import json
import shlex
from collections.abc import Iterator

from tests.scenarios.playing import Answer, Calls, Transcript
from tests.scenarios.steps import Advance, Request, Scenario, Seed

_SHOWN_MAX = 5
_STEPS_SHOWN_MAX = 4
_CONTENT_SHOWN_MAX = 400


def differences(scenario: Scenario, expected: Transcript, found: Transcript) -> str:
    """The first few differences, or the empty string."""
    parts = [*_wrong_statuses(scenario, found), *_unequal_answers(scenario, expected, found)]
    if expected.kv_calls is not None and found.kv_calls is not None:
        parts += _unequal_calls(expected.kv_calls, found.kv_calls)
    if not parts:
        return ""
    more = f"\n\n... and {len(parts) - _SHOWN_MAX} more differences" if len(parts) > _SHOWN_MAX else ""
    return f"{scenario.name}\non a Worker {scenario.deployment.version!r}" + "".join(parts[:_SHOWN_MAX]) + more


def curl(request: Request) -> str:
    """The request as a command line. Keys are named, not shown."""
    words = ["curl", "-i", "--path-as-is", "-X", request.method]
    for name, value in request.headers:
        words += ["-H", f"{name}: {_masked_key(value) if name.lower() == 'x-api-key' else value}"]
    if request.content:
        content = request.content.decode("utf-8", "backslashreplace")
        cut = len(content) > _CONTENT_SHOWN_MAX
        words += ["--data-binary", content[:_CONTENT_SHOWN_MAX] + (f"... ({len(content)} characters)" if cut else "")]
    return shlex.join([*words, f"$URL{request.path}"])


def _wrong_statuses(scenario: Scenario, found: Transcript) -> Iterator[str]:
    for number, (request, answer) in enumerate(zip(_requests(scenario), found.answers, strict=True)):
        if answer.status != request.status:
            told = f"expected a {request.status}, not this:\n    {_answer_lines(answer)[0]}\n    {answer.body[:500]}"
            yield f"\n\n{_before(scenario, number)}\n  {curl(request)}\n  {told}"


def _unequal_answers(scenario: Scenario, expected: Transcript, found: Transcript) -> Iterator[str]:
    pairs = zip(_requests(scenario), expected.answers, found.answers, strict=True)
    for number, (request, wanted, given) in enumerate(pairs):
        if wanted != given:
            lines = difflib.unified_diff(
                _answer_lines(wanted), _answer_lines(given), "the Python Worker", "this target", lineterm=""
            )
            yield "\n\n" + "\n    ".join([_before(scenario, number), f"  {curl(request)}", *lines])


def _unequal_calls(expected: Calls, found: Calls) -> Iterator[str]:
    if expected != found:
        wanted, given = ([f"{operation} {key}" for operation, key in calls] for calls in (expected, found))
        lines = difflib.unified_diff(wanted, given, "KV calls of the Python Worker", "KV calls here", lineterm="")
        yield "\n\n" + "\n    ".join(["KV calls:", *lines])


def _answer_lines(answer: Answer) -> list[str]:
    """Status and type, then the body: JSON with a line for each member, and as it was sent."""
    lines = [f"{answer.status} {answer.content_type}"]
    try:
        lines += json.dumps(json.loads(answer.body), indent=2, ensure_ascii=False).splitlines()
    except ValueError:
        return [*lines, answer.body]
    return [*lines, f"sent as {answer.body}"]


def _before(scenario: Scenario, number: int) -> str:
    """What was done before the request of this number."""
    done: list[str] = []
    requests = 0
    for step in scenario.steps:
        match step:
            case Seed(entries):
                done.append(f"seed {len(entries)} keys")
            case Advance(seconds):
                done.append(f"advance {seconds} s")
            case Request():
                if requests == number:
                    break
                requests += 1
                done.append(f"{step.method} {step.path[:60]}")
    if len(done) > _STEPS_SHOWN_MAX:
        done = [f"{len(done) - _STEPS_SHOWN_MAX} steps", *done[-_STEPS_SHOWN_MAX:]]
    return f"After {', then '.join(done) or 'nothing'}:"


def _requests(scenario: Scenario) -> list[Request]:
    return [step for step in scenario.steps if isinstance(step, Request)]


def _masked_key(value: str) -> str:
    return f"<a key of {len(value)} characters>" if value else ""
