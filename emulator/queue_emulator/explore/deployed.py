"""Who answers the scenarios that are explored: the Worker in Python, or one in JavaScript that is started for them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from queue_emulator.core.errors import SettingsError
from queue_emulator.explore.scenarios import Answered, Scenario, as_it_is
from queue_emulator.settings import DEFAULT_HOST, read_worker
from queue_emulator.worker.rollout import DEFAULT_VERSION
from queue_emulator.workerd.bindings import WorkerFlags


@contextmanager
def answering(
    scenarios: Sequence[Scenario], flags: WorkerFlags | None = None, *, workerd: Path | None = None
) -> Iterator[Answered]:
    """The Worker of `flags` for all of them, else for each the one that it names.

    Raises SettingsError for what cannot be explored.
    """
    named = list(dict.fromkeys(each.subject.script for each in scenarios if each.subject.script is not None))
    if flags is None and not named:
        yield as_it_is
        return
    if flags is None and len(named) > 1:
        paths = " and ".join(str(each.worker) for each in named)
        raise SettingsError(f"one Worker runs on workerd at a time; the scenarios name {paths}")
    whole = flags or named[0]
    if flags is not None:  # versions that a scenario has are there too, unless they are named otherwise
        theirs = {name: path for each in named for name, path in each.versions}
        whole = replace(flags, versions=tuple({**theirs, **dict(flags.versions)}.items()))
    builds = {
        name: read_worker(replace(whole, worker=path, versions=()), workerd=workerd, host=DEFAULT_HOST)[0]
        for name, path in ((DEFAULT_VERSION, whole.worker), *whole.versions)
    }
    from queue_emulator.explore.javascript import on_workerd  # needs the extra

    with on_workerd(builds, scenarios) as runtime:

        def answered(scenario: Scenario) -> Scenario:
            theirs = flags is None and scenario.subject.script is None
            return scenario if theirs else replace(scenario, subject=scenario.subject.answered_by(runtime))

        yield answered
