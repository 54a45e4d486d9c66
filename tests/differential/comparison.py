"""Runs a script on both sides and says where they part, unless the table of differences intends it."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from tests.differential.answers import answer_there
from tests.differential.differences import Exchange, intended
from tests.differential.emulated import Emulated
from tests.differential.operations import Script, javascript
from tests.differential.runtime import Runtime
from tests.differential.shrinking import shrunk


@dataclass(slots=True)
class Tally:
    """How many operations were done on both sides, how many of them threw, and how often each difference was met."""

    scripts: int = 0
    operations: int = 0
    thrown: int = 0
    differences: Counter[str] = field(default_factory=Counter)

    def text(self) -> str:
        met = ", ".join(f"{row} {times} times" for row, times in sorted(self.differences.items())) or "none"
        return (
            f"{self.operations} operations in {self.scripts} scripts, of which {self.thrown} threw; "
            f"intended differences met: {met}"
        )


@dataclass(slots=True)
class Comparison:
    """The vendor's local runtime and the emulator on each of its stores."""

    runtime: Runtime
    emulated: Sequence[Emulated]
    tally: Tally = field(default_factory=Tally)

    def exchanges(self, script: Script, side: Emulated) -> list[Exchange]:
        """Every operation of the script with both answers."""
        return _exchanges(script, self.runtime.answers(script), side)

    def check(self, script: Script) -> None:
        """Raises Disagreement if the sides part anywhere."""
        for disagreement in self.disagreements([script]):
            raise disagreement

    def disagreements(self, scripts: Iterable[Script], operations_min: int = 1) -> "Iterator[Disagreement]":
        """Where the sides part, script by script, until so many operations are done. While one script is looked at,
        the next is answered there."""
        asked_until = self.tally.operations + operations_min
        with ThreadPoolExecutor(1) as ahead:
            told = None
            for script in scripts:
                before, told = told, (script, ahead.submit(self.runtime.answers, script))
                if before is None:
                    continue
                yield from self._looked_at(*before)
                if self.tally.operations >= asked_until:
                    return
            if told is not None:
                yield from self._looked_at(*told)

    def shrunk(self, disagreement: "Disagreement") -> "Disagreement":
        """The same disagreement, or another, on as small a script as is found."""
        script = shrunk(disagreement.script, lambda smaller: self._again(smaller) is not None)
        parted = self._again(script)
        return disagreement if parted is None else Disagreement(*parted)

    def _again(self, script: Script) -> "tuple[Script, Exchange] | None":
        return self._parted(script, self.runtime.answers(script))

    def _looked_at(self, script: Script, told: "Future[list[dict[str, object]]]") -> "Iterator[Disagreement]":
        answers = told.result()
        self.tally.scripts += 1
        self.tally.operations += len(answers)
        self.tally.thrown += sum("error" in each for each in answers)
        parted = self._parted(script, answers)
        if parted is not None:
            yield Disagreement(*parted)

    def _parted(self, script: Script, told: Sequence[dict[str, object]]) -> "tuple[Script, Exchange] | None":
        """The script up to where the sides part, and what was said there."""
        for side in self.emulated:
            for exchange in _exchanges(script, told, side):
                difference = intended(exchange)
                if difference is not None:
                    self.tally.differences[difference] += 1
                elif exchange.here != exchange.there:
                    last = [step is exchange.operation for step in script.steps].index(True)
                    return replace(script, steps=script.steps[: last + 1]), exchange
        return None


class Disagreement(AssertionError):
    """A script whose last operation is answered otherwise here than there."""

    def __init__(self, script: Script, exchange: Exchange) -> None:
        lines = [
            f"they part at the last line, at {exchange.now_ms} ms (now = {exchange.now_ms // 1000}):",
            *map(javascript, script.steps),
            f"  there: {exchange.there}",
            f"  here:  {exchange.here}",
        ]
        super().__init__("\n".join(lines))
        self.script = script


def _exchanges(script: Script, told: Sequence[dict[str, object]], side: Emulated) -> list[Exchange]:
    side.begin()
    made = []
    last_cursor = None
    for operation, each in zip(script.operations, told, strict=True):
        now_ms, cursor = each["at_ms"], each.get("cursor")
        assert isinstance(now_ms, int)
        here = side.answer(operation, now_ms, last_cursor)
        made.append(Exchange(operation, now_ms, here, answer_there(each)))
        last_cursor = cursor if isinstance(cursor, str) else last_cursor
    return made
