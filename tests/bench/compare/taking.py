"""Taking measures: targets take turns, sample by sample, so that what else the machine does falls on all of them."""

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.bench.compare.client import Connection, Spent, ask_once, timed
from tests.bench.compare.measures import LIST_QUEUE, Measure
from tests.bench.compare.process_tree import memory_bytes
from tests.bench.compare.samples import Measured, Samples
from tests.bench.compare.targets import Running, Target

CONNECTIONS = 4
START, MEMORY_STARTED, MEMORY_WORKED = "start to first answer", "memory, just started", "memory, after all that"


def take_starts(targets: Sequence[Target], rounds: int) -> list[Measured]:
    """From the command to the first answer, and the memory at that moment; each start finds an empty folder."""
    memory: dict[str, list[float]] = {target.name: [] for target in targets}

    def turn(target: Target) -> float:
        with tempfile.TemporaryDirectory() as folder:
            running, spent = timed(lambda: _answering(target, Path(folder) / "data"))
            try:
                memory[target.name].append(memory_bytes(running.pid) / 2**20)
            finally:
                running.stop()
        return spent.elapsed_ns / 1e6

    by_name = {target.name: target for target in targets}
    starts = in_turns(list(by_name), rounds, lambda name: turn(by_name[name]))
    return [
        Measured(START, {name: Samples(values, "ms") for name, values in starts.items()}),
        Measured(MEMORY_STARTED, {name: Samples(values[1:], "MiB") for name, values in memory.items()}),
    ]


def take_measures(targets: Sequence[Target], measures: Sequence[Measure], folder: Path) -> Iterator[Measured]:
    """Each measure of all targets, then the memory that they hold."""
    with _all_running(targets, folder) as running:
        for measure in measures:
            yield _take(measure, running)
        memory = {name: [memory_bytes(each.pid) / 2**20] for name, each in running.items()}
        yield Measured(MEMORY_WORKED, {name: Samples(values, "MiB") for name, values in memory.items()})


def in_turns(names: Sequence[str], rounds: int, turn: Callable[[str], float]) -> dict[str, list[float]]:
    """Samples by name; each round another one begins, and the first round only warms up."""
    taken: dict[str, list[float]] = {name: [] for name in names}
    for number in range(rounds + 1):
        for place in range(len(names)):
            name = names[(number + place) % len(names)]
            sample = turn(name)
            if number > 0:
                taken[name].append(sample)
    return taken


def _take(measure: Measure, running: Mapping[str, Running]) -> Measured:
    spent: dict[str, list[Spent]] = {name: [] for name in running}

    def turn(name: str) -> float:
        if measure.fresh or not spent[name]:
            running[name].empty()
            running[name].load(measure.content)
        with _connected(running[name].url) as connections:
            spent[name].append(measure.turn(running[name], connections))
        return spent[name][-1].elapsed_ns / 1e6 / measure.units

    samples = in_turns(list(running), measure.rounds, turn)
    shares = {name: sum(s.client_ns for s in each) / sum(s.elapsed_ns for s in each) for name, each in spent.items()}
    return Measured(measure.name, {name: Samples(values, "ms", shares[name]) for name, values in samples.items()})


@contextmanager
def _connected(url: str) -> Iterator[list[Connection]]:
    """Connections on which something was asked already: servers close those that stay idle between turns."""
    connections = [Connection(url) for _ in range(CONNECTIONS)]
    for each in connections:
        each.knock()
    yield connections
    for each in connections:
        each.close()


@contextmanager
def _all_running(targets: Sequence[Target], folder: Path) -> Iterator[dict[str, Running]]:
    with ExitStack() as stack:
        running: dict[str, Running] = {}
        for target in targets:
            running[target.name] = target.start_loadable(folder / target.name.replace(" ", "-"))
            stack.callback(running[target.name].stop)
        yield running


def _answering(target: Target, folder: Path) -> Running:
    running = target.start(folder)
    ask_once(running.url, LIST_QUEUE)
    return running
