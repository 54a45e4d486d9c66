"""Holds what a target answers to a scenario against what the Python Worker answers in this process."""

import difflib
from collections.abc import Iterator

import pytest

from queue_contracts.compare.comparing import Played, compare_played
from queue_contracts.compare.executor import Player, Transcript
from queue_contracts.compare.report import lines_of
from queue_contracts.compare.sides import Side
from queue_contracts.compare.steps import KvCalls
from queue_contracts.described.operations import packaged_description
from tests.scenarios.steps import Scenario
from tests.scenarios.targets.in_process import InProcess
from tests.scenarios.targets.sides import Target, side_of

OWN_PREFIX = "ct-of-a-scenario-"
SHOWN_MAX = 5
_played: dict[str, Transcript] = {}
PYTHON, HERE = "the Python Worker", "this target"


def player(name: str, target: Target) -> Player:
    return Player(side_of(name, target), OWN_PREFIX)


def expected(scenario: Scenario) -> Transcript:
    """What the Python Worker answers in this process, which it is asked once."""
    if scenario.name not in _played:
        _played[scenario.name] = player(PYTHON, InProcess()).play(scenario)
    return _played[scenario.name]


def assert_same(scenario: Scenario, found: Transcript) -> None:
    told = differences(scenario, expected(scenario), found)
    if told:
        pytest.fail(told, pytrace=False)


def differences(scenario: Scenario, wanted: Transcript, found: Transcript) -> str:
    """The first few, or the empty string. An answer is wrong too if both give it."""
    steps, skipped = compare_played(scenario, Played(PYTHON, wanted), Played(HERE, found), packaged_description())
    findings = [finding for step in steps for finding in step.findings]
    sides = (_named(PYTHON), _named(HERE))
    parts = ["\n".join(lines_of(each, sides)) for each in findings[:SHOWN_MAX]]
    if not findings:
        parts += [f"not played to its end: {each.why}" for each in skipped]
    if wanted.kv_calls is not None and found.kv_calls is not None:
        parts += _unequal_calls(wanted.kv_calls, found.kv_calls)
    return "\n".join([f"{scenario.name}, deployed as {scenario.deployment}", *parts]) if parts else ""


def _unequal_calls(wanted: KvCalls, found: KvCalls) -> Iterator[str]:
    if wanted != found:
        ours, theirs = ([f"{operation} {key}" for operation, key in calls] for calls in (wanted, found))
        told = difflib.unified_diff(ours, theirs, f"KV calls of {PYTHON}", f"KV calls of {HERE}", lineterm="")
        yield "\n    ".join(["KV calls:", *told])


def _named(name: str) -> Side:
    """For a report, which masks the keys of a side and names it."""
    return side_of(name, InProcess())
