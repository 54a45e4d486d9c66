"""Your own Worker explored in your own tests: scenarios, guarantees, and the fixture `explore` of pytest.

A Worker is `async def worker(request, env) -> Response`; who asks it what, and from where, is a scenario; what must
hold is a function over what was seen. The same requests and guarantees serve for any Worker that answers over HTTP.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from queue_emulator.core.clock import Stopwatch
from queue_emulator.core.errors import SettingsError
from queue_emulator.explore import files, schedule, text_report
from queue_emulator.explore.common import (
    eventually_equal,
    monotonic_reads,
    mutual_exclusion,
    no_5xx,
    no_lost_update,
    read_your_writes,
)
from queue_emulator.explore.deployed import answering
from queue_emulator.explore.explorer import Explorer, Finding, check_tried
from queue_emulator.explore.guarantee import Guarantee
from queue_emulator.explore.history import Actor
from queue_emulator.explore.scenario_file import OPERATIONS_MAX, PAGE_MAX, make_scenario, read_scenario
from queue_emulator.explore.scenarios import Scenario
from queue_emulator.explore.seen import Answer, OwnCheck, Seen, guarantee
from queue_emulator.explore.user_worker import Own, Request, Response, Worker, by_id

__all__ = [
    "Actor",
    "Answer",
    "Guarantee",
    "OwnCheck",
    "Request",
    "Response",
    "Scenario",
    "Seen",
    "Worker",
    "eventually_equal",
    "first_finding",
    "guarantee",
    "monotonic_reads",
    "mutual_exclusion",
    "no_5xx",
    "no_lost_update",
    "read_scenario",
    "read_your_writes",
    "replayed",
    "scenario",
    "told",
    "with_guarantees",
]


def scenario(
    worker: Worker | Path,
    actors: Sequence[Actor],
    *,
    name: str = "scenario",
    before: Mapping[str, str] | None = None,
    at_end: Sequence[str] = (),
    end_locations: Sequence[str] = ("SJC", "NRT"),
    binding: str = "CACHE",
    headers: Mapping[str, str] | None = None,
    faults: bool = False,
    page: int = PAGE_MAX,
    operations: int = OPERATIONS_MAX,
    machines: int = 1,
    versions: Mapping[str, Path] | None = None,
) -> Scenario:
    """Who asks a Worker what; raises SettingsError for what cannot be.

    worker   a function of Python, or the main module of a Worker in JavaScript, which then runs on workerd
    actors   `Actor("a", "SJC", ("POST /login {}  | token = token", "GET /me?token=$token"))`
    before   what KV holds at the start
    at_end   requests that are made when all has settled, at each of `end_locations`
    binding  the name of the KV namespace in the Worker's `env`
    faults   whether a KV operation may fail, or a run of the Worker be killed
    machines  of each location, with copies of their own
    versions  other builds of a Worker in JavaScript, which answer the actors whose `version` names them
    page, operations  how many keys a list gives at most, and KV operations a run of the Worker may make
    """
    function, main = (None, worker) if isinstance(worker, Path) else (worker, None)
    if versions and main is None:
        raise SettingsError("versions are builds of a Worker in JavaScript, and this one is a function of Python")
    builds = tuple((versions or {}).items())
    own = Own(function, {}, binding, dict(headers or {}), tuple(at_end), tuple(end_locations), main=main, builds=builds)
    return make_scenario(
        name,
        own,
        actors=tuple(replace(actor, script=tuple(actor.script)) for actor in actors),
        before=before or {},
        faults=faults,
        page_max=page,
        operations_max=operations,
        machines=machines,
    )


def with_guarantees(of: Scenario, guarantees: Iterable[Guarantee | OwnCheck]) -> Scenario:
    """The scenario with guarantees of its own, and these."""
    if not isinstance(of.subject, Own):
        raise SettingsError(f"{of.name} is a built-in scenario of the queue: it takes no guarantees of your own")
    added = [each if isinstance(each, Guarantee) else guarantee(each) for each in guarantees]
    return replace(of, subject=replace(of.subject, guarantees=by_id([*of.subject.guarantees.values(), *added])))


def first_finding(
    of: Scenario, *, seconds: float = 2.0, schedules: int | None = None, random_seed: int = 0
) -> Finding | None:
    """What breaks first; None if nothing does in that time, or in so many schedules, or in all there are."""
    with answering([of]) as answered:
        explorer, watch = Explorer([of], random_seed, swarm=False, answered=answered), Stopwatch()

        def enough() -> bool:
            return explorer.schedules >= schedules if schedules is not None else watch.elapsed_ms() >= seconds * 1000

        finding = next(explorer.run(enough), None)
    check_tried(len(explorer.findings) + explorer.unsteady, explorer.schedules, explorer.operations)
    return finding


def told(finding: Finding, folder: Path, command: Callable[[Path], str]) -> tuple[str, Path]:
    """What was found in five lines and as its schedule, which is written into a folder, with its picture beside it."""
    path = folder / f"{text_report.name(finding)}.schedule"
    files.write(folder, path.stem, finding, command(path))
    lines = text_report.five_lines(finding, command(path))
    return "\n".join([*lines, "", path.read_text(encoding="utf-8")]), path.with_suffix(".svg")


def replayed(of: Scenario, path: Path) -> str | None:
    """Why a schedule of this scenario still breaks its guarantee; None if it holds now."""
    read = schedule.read(path.read_text(encoding="utf-8"), str(path), of)
    with answering([of]) as answered:
        done = schedule.replay(replace(read, scenario=answered(read.scenario)))
    if done.broken is None:
        return None
    title = of.subject.guarantees[done.schedule.target.guarantee].title
    return f"still broken: {title}: {done.broken.why}" + (f" ({done.differs})" if done.differs else "")
