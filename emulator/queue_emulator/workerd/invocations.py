"""Which run of the Worker a KV operation belongs to, as far as that can be known.

The runtime sends its KV requests without saying which run made them. But while one run alone is under way at a
location, what is asked there is asked by it. A run is under way from its request until the runtime reports its end,
after `waitUntil`: then no operation of it can follow. While several are, their operations cannot be told apart.
"""

from collections import OrderedDict, defaultdict
from dataclasses import dataclass

from queue_emulator.core.errors import OperationBudgetError
from queue_emulator.core.limits import BUDGET_TEXT
from queue_emulator.kv.gate import Caller

SEVERAL = "several requests at once"
OUTSIDE = "outside any request"
_RUNS_MAX = 10_000  # far more than can be under way: beyond it the oldest was never reported, and is forgotten


@dataclass(slots=True)
class Run:
    """One run of the Worker; `alone` while no other was under way beside it."""

    name: str
    route: str
    operations: int = 0
    alone: bool = True

    @property
    def counted(self) -> int | None:
        """How many KV operations it has made, if that is known."""
        return self.operations if self.alone else None


class Invocations:
    """The runs under way, by location."""

    def __init__(self, operations_max: int | None) -> None:
        self._operations_max = operations_max
        self._runs: defaultdict[str, OrderedDict[str, Run]] = defaultdict(OrderedDict)

    def begin(self, location: str, name: str, route: str) -> Run:
        """A request is about to be given to the Worker."""
        runs = self._runs[location]
        run = runs[name] = Run(name, route)
        if len(runs) > 1:
            for each in runs.values():
                each.alone = False
        if len(runs) > _RUNS_MAX:
            runs.popitem(last=False)
        return run

    def end(self, location: str, name: str) -> None:
        """The runtime is done with a run, or never began it."""
        self._runs[location].pop(name, None)

    def clear(self) -> None:
        """The runtime is gone, and every run with it."""
        self._runs.clear()

    def count(self, location: str) -> Caller:
        """One more operation at a location: who made it. Raises OperationBudgetError past the limit of a run."""
        runs = self._runs[location]
        if len(runs) != 1:
            return Caller("", SEVERAL if runs else OUTSIDE)
        (run,) = runs.values()
        if self._operations_max is not None and run.operations >= self._operations_max:
            raise OperationBudgetError(BUDGET_TEXT)
        run.operations += 1
        return Caller(run.name, run.route)
