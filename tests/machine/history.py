"""One register's history as its clients know it, and which values it may hold: the rule by which a loss is a loss.

A register is what stands under one key, or the title of one namespace. Clients number what happens as they see it: a
write is asked at one moment and answered at a later one, and takes place between the two. So of two writes that did not
overlap the later one stands; of two that did, either; and what a read has shown cannot be undone by what was answered
before that read was asked.
"""

from dataclasses import dataclass, field
from enum import Enum

Mark = str | None
"""What tells one value from all others; None: nothing stands there."""

UNKNOWN = "*"  # some value that the register had before: a route of the Worker that reads, changes and writes back


class Finding(Enum):
    """What can be wrong with a value."""

    LOST = "an acknowledged write is gone"
    REORDERED = "of writes at the same time, the one that was served is not the one that is stored"
    TORN = "half of a request is stored"
    FOREIGN = "a value that nobody wrote, or whose write was refused"


@dataclass(slots=True, eq=False)
class Write:
    """`ended` None: it may still take place. `sure`: it was acknowledged, or its value was seen."""

    mark: Mark
    asked: int
    ended: int | None = None
    sure: bool = False


@dataclass(frozen=True, slots=True)
class Read:
    """A value that was served."""

    mark: Mark
    asked: int
    ended: int


@dataclass(slots=True, eq=False)
class History:
    """Begins with what stood there when the emulator was opened."""

    writes: list[Write] = field(default_factory=lambda: [_stood(None)])
    reads: list[Read] = field(default_factory=list)

    def begin(self, mark: Mark, asked: int) -> Write:
        """A write that is asked for now."""
        self.writes.append(Write(mark, asked))
        return self.writes[-1]

    def refused(self, write: Write) -> None:
        """It has not taken place, and will not."""
        self.writes.remove(write)

    def begin_again(self, mark: Mark) -> None:
        """All that is known is what stands there now."""
        self.writes, self.reads = [_stood(mark)], []

    def read(self, read: Read, *others: Write) -> Finding | None:
        """Note what was served, and judge it. `others` are writes of many registers that touched this one too."""
        finding = self.judge(read.mark, *others, asked=read.asked)
        self.reads.append(read)
        written = [write for write in self.writes if write.mark == read.mark]
        if read.mark is not None and len(written) == 1:
            (seen,) = written
            seen.sure, seen.ended = True, read.ended if seen.ended is None else min(seen.ended, read.ended)
        return finding

    def judge(self, mark: Mark, *others: Write, asked: int | None = None) -> Finding | None:
        """What is wrong with a value that was asked for at that moment; None: at the end of everything."""
        writes = [*self.writes, *others]
        put = {write.mark for write in writes if write.mark is not None}
        possible = [write for write in writes if write.mark == mark or (write.mark == UNKNOWN and mark in put)]
        if not possible:
            return Finding.LOST if mark is None else Finding.FOREIGN
        if any(not _overwritten(each, writes, asked) and not self._unseen(each, asked) for each in possible):
            return None
        overwritten = all(_overwritten(each, writes, asked) for each in possible)
        return Finding.LOST if overwritten else Finding.REORDERED

    def _unseen(self, write: Write, before: int | None) -> bool:
        """Whether something else was served after the write had ended."""
        return write.mark != UNKNOWN and any(
            _follows(read.asked, read.ended, write, before) and read.mark != write.mark for read in self.reads
        )


def _overwritten(write: Write, writes: list[Write], before: int | None) -> bool:
    """Whether a write that was acknowledged by then began after it had ended."""
    return any(each.sure and _follows(each.asked, each.ended, write, before) for each in writes)


def _follows(asked: int, ended: int | None, write: Write, before: int | None) -> bool:
    if ended is None or write.ended is None:
        return False
    return asked > write.ended and (before is None or ended < before)


def _stood(mark: Mark) -> Write:
    return Write(mark, asked=-1, ended=0, sure=True)
