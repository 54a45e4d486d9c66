"""One installed emulator for all comparisons of a process: either side empties it before it is asked."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace

import pytest

from queue_contracts.compare.comparing import Comparison, compare
from queue_contracts.compare.executor import Patience, Player
from queue_contracts.compare.known import Known
from queue_contracts.compare.opening import Wanted, open_side
from queue_contracts.compare.sides import Side
from queue_contracts.compare.steps import Sequence
from queue_contracts.described.operations import packaged_description
from tests.differences_of_targets.proxy import Change, serving, through

Behind = Callable[[Change], Side]
Compare = Callable[..., Comparison]


@pytest.fixture(scope="session")
def emulator() -> Iterator[Side]:
    """The installed emulator as side A."""
    with open_side(Wanted("emulator"), "emulator") as (side, _):
        yield side


@pytest.fixture
def behind(emulator: Side) -> Iterator[Behind]:
    """Makes a side B: the same emulator, behind something that changes its answers."""
    with ExitStack() as stack:

        def make(change: Change) -> Side:
            running = stack.enter_context(serving(through(emulator.url, change)))
            return replace(emulator, name="changed", kind="changed", url=running.url)

        yield make


@pytest.fixture
def compared(emulator: Side, behind: Behind) -> Compare:
    """Compares the emulator with itself, directly or behind a change, by these sequences."""

    def run(
        change: Change | None, *sequences: Sequence, known: tuple[Known, ...] = (), settle_s: float = 5
    ) -> Comparison:
        patience = Patience(settle_s)
        other = replace(emulator, name="again") if change is None else behind(change)
        a, b = Player(emulator, "ct-a-", patience), Player(other, "ct-b-", patience)
        return compare(sequences, a, b, packaged_description(), known)

    return run
