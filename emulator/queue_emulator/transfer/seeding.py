"""`seed`: say what will be written, ask where others may depend on it, write in batches, say what was written."""

import asyncio
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from tqdm import tqdm

from queue_emulator.core.batches import Batch, batches
from queue_emulator.core.bulk import BulkEntry
from queue_emulator.core.data_time import AsOf
from queue_emulator.core.errors import BulkDataError, EmulatorError, SettingsError
from queue_emulator.core.javascript import parse_json
from queue_emulator.core.shown import counted, one_line
from queue_emulator.terminal import ask, tell
from queue_emulator.transfer.bulk_files import BulkFile, CheckedFiles, Reading, check_files, readable, reading_of
from queue_emulator.transfer.endpoint import Target
from queue_emulator.transfer.endpoints import target_of
from queue_emulator.transfer.output import say
from queue_emulator.transfer.progress_file import BOOKMARKS, Bookmark
from queue_emulator.transfer.reporting import Outcome, show_outcome, show_plan

INTERRUPTED, INCOMPLETE = 130, 1
_SAMPLES = 16


@dataclass(frozen=True, slots=True)
class SeedOptions:
    """How to seed.

    dry_run      write nothing
    yes          answers the question beforehand
    from_start   do not go on where a run before ended
    skip_ending  as of Reading
    as_of        of which time the data is; None: it is of now
    bookmarks    the folder that says where runs ended
    """

    dry_run: bool = False
    yes: bool = False
    from_start: bool = False
    skip_ending: bool = False
    as_of: AsOf | None = None
    bookmarks: Path = BOOKMARKS


def seed(paths: Sequence[Path], endpoint: str, options: SeedOptions) -> int:
    """Load files into an endpoint; returns the exit code. Raises EmulatorError where nothing was written."""
    target = target_of(endpoint)
    with readable(paths) as files:
        return seed_files(files, target, options)


def seed_files(files: Sequence[BulkFile], target: Target, options: SeedOptions) -> int:
    """As `seed`, of files that can be read twice; closes the target."""
    check_answerable(target, options)
    with asyncio.Runner() as runner:
        try:
            described = runner.run(target.look(writing=True))
            reading = Reading(runner.run(target.now_ms()), options.skip_ending)
            plan = check_files(files, reading_of(files, reading, options.as_of))
            show_plan(plan, target, described)
            if options.dry_run:
                say("nothing was written (--dry-run)")
                return 0
            _agree(target, options)
            with _at_its_time(runner, target, plan.reading):
                code = _write(runner, target, plan, options)
            if plan.skipped and not plan.entries:
                say(f"nothing was written: all {counted(plan.skipped, 'entry', 'entries')} were left out")
                return INCOMPLETE
            return code
        finally:
            runner.run(target.close())


@contextmanager
def _at_its_time(runner: asyncio.Runner, target: Target, reading: Reading) -> Iterator[None]:
    """The target's clock stands a minute before the data's time while it writes, and then goes on from that time."""
    if reading.data_ms is None or reading.rebase:
        yield
        return
    runner.run(target.set_time(reading.write_ms, hold=True))
    try:
        yield
    finally:
        runner.run(target.set_time(reading.data_ms, hold=False))


def check_answerable(target: Target, options: SeedOptions) -> None:
    """Raises SettingsError if writing needs a question, and there is no terminal to ask at."""
    if _must_agree(target, options) and not (sys.stdin and sys.stdin.isatty()):
        raise SettingsError(
            f"others may use {target.name}, and there is no terminal to ask for permission to write: add --yes"
        )


def _must_agree(target: Target, options: SeedOptions) -> bool:
    return target.asks and not options.yes and not options.dry_run


def _agree(target: Target, options: SeedOptions) -> None:
    """Asks before it writes to an endpoint that others may use; raises SettingsError if the answer is no."""
    check_answerable(target, options)  # that it asks may have come out when it was looked at
    if not _must_agree(target, options):
        return
    if ask(f"Others may use this data. Write to {one_line(target.name)}? [y/N] ").lower() not in ("y", "yes"):
        raise SettingsError("nothing was written: you did not answer yes")


def _write(runner: asyncio.Runner, target: Target, plan: CheckedFiles, options: SeedOptions) -> int:
    outcome = Outcome()
    interrupted = False
    try:
        bookmark = Bookmark(plan.digest(target.where), options.bookmarks)
        runner.run(_Writing(target, plan, outcome, bookmark).run(from_start=options.from_start))
    except KeyboardInterrupt:
        interrupted = True
    if outcome.failure and not (outcome.past or outcome.uncertain):
        raise outcome.failure
    show_outcome(outcome, plan, target)
    if interrupted:
        return INTERRUPTED
    return INCOMPLETE if outcome.failure or outcome.refused else 0


class _Writing:
    """One run over all entries. The outcome is right at any moment."""

    def __init__(self, target: Target, plan: CheckedFiles, outcome: Outcome, bookmark: Bookmark) -> None:
        self._interrupt: asyncio.CancelledError | None = None
        self._target = target
        self._plan = plan
        self._outcome = outcome
        self._bookmark = bookmark

    async def run(self, *, from_start: bool) -> None:
        """Raises CancelledError for an interrupt; what else fails is in the outcome."""
        outcome = self._outcome
        try:
            outcome.unchanged = 0 if from_start else await self._written_before()
            await self._write_all()
            await self._target.finish()
        except EmulatorError as error:
            outcome.failure = error
        else:
            outcome.finished = True
            self._bookmark.remove()
        if self._interrupt is not None:
            raise self._interrupt

    async def _write_all(self) -> None:
        outcome, total = self._outcome, self._plan.entries
        entries = islice(self._plan.each_entry(), outcome.unchanged, None)
        with tqdm(
            desc="writing", total=total, initial=outcome.past, unit=" keys", leave=False, disable=None
        ) as bar:  # fmt: skip
            for batch in batches(entries):
                await self._write_batch(batch)
                bar.update(batch.count)
        if outcome.past != total:
            raise BulkDataError(f"a file was changed while it was read: it had {total:,} entries")

    async def _write_batch(self, batch: Batch) -> None:
        """An interrupt waits for the batch, so that it is known what became of it; a second one does not."""
        outcome = self._outcome
        task = asyncio.ensure_future(self._target.write(batch.entries))
        outcome.uncertain = batch.count
        try:
            try:
                refused = await asyncio.shield(task)
            except asyncio.CancelledError as error:
                self._interrupt = error
                self._target.hurry()
                tqdm.write("stopping after the current batch; press Ctrl-C again to stop at once", file=sys.stderr)
                refused = await task
        except EmulatorError as error:
            if getattr(error, "definite", True):  # only some errors leave it open whether it was done
                outcome.uncertain = 0
            raise
        outcome.uncertain = 0
        outcome.written += batch.count
        outcome.refused += refused
        if outcome.past < self._plan.entries and not outcome.refused and not self._target.whole:
            self._bookmark.keep(outcome.past, self._target.name)
        if self._interrupt is not None and (outcome.past < self._plan.entries or self._target.whole):
            raise self._interrupt

    async def _written_before(self) -> int:
        """How many entries a run before wrote, if they are there: some of them are looked up."""
        count = 0 if self._target.whole else self._bookmark.entries()
        if not 0 < count < self._plan.entries:
            return 0
        picked = {count * number // _SAMPLES for number in range(_SAMPLES)} | {count - 1}
        written = islice(self._plan.each_entry(), count)
        samples = {entry.key: entry for number, entry in enumerate(written) if number in picked}
        found = await self._target.read(list(samples))
        if all(_same(entry, there) for entry, there in zip(samples.values(), found, strict=True)):
            self._outcome.looked_up = len(samples)
            return count
        tell(f"an earlier run wrote {count:,} entries, but they have changed since: all entries are written again")
        return 0


def _same(entry: BulkEntry, there: BulkEntry | None) -> bool:
    if there is None or there.value != entry.value:
        return False
    return _json(there.metadata) == _json(entry.metadata)


def _json(metadata: str | None) -> object:
    return None if metadata is None else parse_json(metadata)
