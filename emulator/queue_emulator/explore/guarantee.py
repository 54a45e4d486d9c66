"""A guarantee: a sentence that holds of every history, and who finds where it does not."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from queue_emulator.explore.behaviour import Behaviour
from queue_emulator.explore.history import History


class Broken(NamedTuple):
    """Where a guarantee is broken.

    guarantee  its id
    how        in which way: failures of one guarantee that differ in it are different findings
    task       "" where it is about none
    why        in words
    position   of the happening that broke it
    """

    guarantee: str
    how: tuple[str, ...]
    task: str
    why: str
    position: int


Check = Callable[[History], Iterator[Broken]]


@dataclass(frozen=True, slots=True)
class Guarantee:
    """A sentence that holds of every history, and who finds where it does not.

    about   the kinds of requests without any of which it cannot be broken; none: it is always looked at
    telling  the behaviours by which failures of it are told apart
    """

    id: str
    name: str
    sentence: str
    check: Check
    about: tuple[str, ...] = ()
    telling: tuple[Behaviour, ...] = (Behaviour.CACHES, Behaviour.OVERLAP)

    @property
    def title(self) -> str:
        """Its id and name, or its name alone if that is the id."""
        return self.name if self.id == self.name.replace(" ", "-") else f"{self.id} {self.name}"


def broken(history: History) -> list[Broken]:
    """Every place where a guarantee of what is explored is broken, in the guarantees' order."""
    verbs = {each.call.verb for _, each in history.moments()}
    return [
        each
        for guarantee in history.guarantees.values()
        if not guarantee.about or not verbs.isdisjoint(guarantee.about)
        for each in guarantee.check(history)
    ]
