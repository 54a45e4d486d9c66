"""Makes a script small that shows something: fewer steps, fewer options, shorter texts, and still shows it.

Hypothesis would go on for minutes, as each try costs some milliseconds; this ends after one pass without gain.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from tests.differential.operations import Buffer, Operation, Script, Step

TRIES_MAX = 500


def shrunk(script: Script, shows: Callable[[Script], bool]) -> Script:
    """The smallest script found, in at most `TRIES_MAX` tries, of which `shows` still holds."""
    tries = 0
    gained = True
    while gained:
        gained = False
        for smaller in _smaller(script):
            tries += 1
            if tries > TRIES_MAX:
                return script
            if smaller != script and shows(smaller):
                script, gained = smaller, True
                break
    return script


def _smaller(script: Script) -> Iterator[Script]:
    steps = list(script.steps)
    for half in (len(steps) // 2, len(steps) // 4):
        for start in range(0, len(steps), half) if half > 1 else ():
            yield replace(script, steps=steps[:start] + steps[start + half :])
    for at in reversed(range(len(steps))):
        yield replace(script, steps=steps[:at] + steps[at + 1 :])
    for at, step in enumerate(steps):
        for smaller in _smaller_steps(step):
            yield replace(script, steps=[*steps[:at], smaller, *steps[at + 1 :]])


def _smaller_steps(step: Step) -> Iterator[Step]:
    if not isinstance(step, Operation):
        return
    if step.method.startswith("get"):
        yield replace(step, arguments=step.arguments[:1])
    for name in step.options:
        yield replace(step, options={other: value for other, value in step.options.items() if other != name})
    for at, argument in enumerate(step.arguments):
        for smaller in _smaller_values(argument):
            yield replace(step, arguments=(*step.arguments[:at], smaller, *step.arguments[at + 1 :]))
    for name, value in step.options.items():
        for smaller in _smaller_values(value):
            yield replace(step, options={**step.options, name: smaller})


def _smaller_values(value: Any) -> Iterator[Any]:
    match value:
        case Buffer(content, kind):
            yield from (Buffer(smaller, kind) for smaller in _smaller_values(content))
        case str() | bytes() | list():
            yield from _cut(value)
        case dict():
            for name in value:
                yield {other: member for other, member in value.items() if other != name}


def _cut(whole: Any) -> Iterator[Any]:
    """A sequence without one of its halves, then without one of its first items."""
    half = len(whole) // 2
    for start in range(0, len(whole), half) if half > 1 else ():
        yield whole[:start] + whole[start + half :]
    yield from (whole[:at] + whole[at + 1 :] for at in range(min(len(whole), 30)))
