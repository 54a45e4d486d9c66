"""`verify`: a namespace after a migration, against the data that was there before."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

from queue_emulator.core.bulk import BulkEntry
from queue_emulator.core.clock import SystemClock
from queue_emulator.core.data_time import AsOf
from queue_emulator.core.javascript import ToJson
from queue_emulator.transfer.bulk_files import BulkFile, Reading, readable, reading_of, stored_entries
from queue_emulator.transfer.comparison import KINDS, Comparison
from queue_emulator.transfer.endpoint import Source
from queue_emulator.transfer.endpoints import source_of
from queue_emulator.transfer.file_endpoint import FileEndpoint
from queue_emulator.transfer.migration_report import CLASSES, UNCLEAN, Verdict, judge
from queue_emulator.transfer.output import say
from queue_emulator.transfer.prediction import Prediction, predict

UNCLEAN_CODE = 1
_NAMES_SHOWN = 10


def verify(endpoint: str, before: Path, *, as_json: bool) -> int:
    """Print the report; returns 0 if everything is where a whole migration leaves it, 1 otherwise."""
    with readable([before]) as files, source_of(endpoint) as source, asyncio.Runner() as runner:
        try:
            verdict = runner.run(compare(files[0], source))
        finally:
            runner.run(source.close())
    say(*(_indented(verdict.as_json()) if as_json else _lines(verdict)))
    return 0 if verdict.clean else UNCLEAN_CODE


def predict_file(before: Path, as_of: AsOf | None, *, as_json: bool) -> int:
    """Print what a migration of the file would leave behind; returns 0 if that is clean, 1 otherwise. Runs nothing."""
    with readable([before]) as files, asyncio.Runner() as runner:
        reading = reading_of(files, Reading(SystemClock().now_ms()), as_of)
        now_ms = reading.now_ms if reading.data_ms is None else reading.data_ms
        predicted, verdict = runner.run(foretell(files[0], now_ms // 1000))
    if as_json:
        say(*_indented({"predicted": predicted.as_json(), **verdict.as_json()}))
    else:
        say(*_prediction_lines(predicted), "", *_lines(verdict))
    return 0 if verdict.clean else UNCLEAN_CODE


async def foretell(before: BulkFile, now_s: int) -> tuple[Prediction, Verdict]:
    """What one run at that time would do, and what it would leave behind."""
    comparison = Comparison()
    comparison.before(stored_entries(before))
    predicted = predict([entry async for entry in _living(before, now_s)], now_s)
    async for entry in _living(before, now_s):
        comparison.after(predicted.after([entry]), now_s)
    return predicted, judge(comparison, comparison.changes(stored_entries(before)), now_s)


async def _living(file: BulkFile, now_s: int) -> AsyncIterator[BulkEntry]:
    async for page in FileEndpoint(file).pages():
        for entry in page.entries:
            if entry.expiration_s is None or entry.expiration_s > now_s:
                yield entry


async def compare(before: BulkFile, source: Source) -> Verdict:
    """The report itself."""
    comparison = Comparison()
    comparison.before(stored_entries(before))
    await source.look(writing=False)
    now_s = await source.now_ms() // 1000
    async for page in source.pages():
        comparison.after(page.entries, now_s)
    return judge(comparison, comparison.changes(stored_entries(before)), now_s)


def _indented(report: Mapping[str, ToJson]) -> list[str]:
    return json.dumps(report, indent=2, ensure_ascii=False).split("\n")


def _prediction_lines(predicted: Prediction) -> list[str]:
    if not predicted.needed:
        return ["a run would do nothing, because there is no pending list"]
    lines = [f"a run would answer {predicted.status} and have this result (nothing was run):"]
    for kind, moves in (("tasks", predicted.tasks), ("leases", predicted.leases)):
        ended = f", stopped by: {moves.fatal}" if moves.fatal else ""
        lines.append(f"  {kind}: {moves.migrated:,} migrated, {moves.failed:,} failed{ended}")
    return lines


def _lines(verdict: Verdict) -> list[str]:
    lines = [f"{'':<12}" + "".join(f"{kind:>10}" for kind in KINDS)]
    for name, meaning in CLASSES.items():
        counts = [len(verdict.names[kind].get(name, ())) for kind in KINDS]
        if any(counts):
            lines.append(f"{name:<12}" + "".join(f"{count or '-':>10}" for count in counts) + f"   {meaning}")
    lines += ["", *_lifetime_lines(verdict), "", *_pending_lines(verdict)]
    for kind in KINDS:
        lines += [
            f"{name} {kind}: {_shown(verdict.names[kind][name])}" for name in UNCLEAN if verdict.names[kind].get(name)
        ]
    lines += [f"changed: {key!r}: {', '.join(fields)}" for key, fields in list(verdict.changes.items())[:_NAMES_SHOWN]]
    if len(verdict.changes) > _NAMES_SHOWN:
        lines.append(f"changed: and {len(verdict.changes) - _NAMES_SHOWN:,} more; --json shows them")
    lines.append("clean" if verdict.clean else f"not clean: {_unclean(verdict)}")
    return lines


def _lifetime_lines(verdict: Verdict) -> list[str]:
    lines = [f"{'time to live, s':<24}{'min':>8}{'median':>8}{'max':>8}{'forever':>9}"]
    for kind in KINDS:
        for name, each in verdict.lifetimes[kind].items():
            ends = ("-" if end is None else f"{end:,}" for end in (each.least_s, each.median_s, each.most_s))
            lines.append(
                f"{name + ' ' + kind:<24}" + "".join(f"{end:>8}" for end in ends) + f"{each.endless or '-':>9}"
            )
    return lines


def _pending_lines(verdict: Verdict) -> list[str]:
    before = "no pending list" if verdict.pending_before is None else f"{verdict.pending_before:,} ids"
    after = "gone after" if verdict.pending_after is None else f"{verdict.pending_after:,} ids after"
    if verdict.pending_corrupt:
        after = "something else after"
    lines = [f"pending list: {before} before, {after}"]
    if verdict.ghosts:
        lines.append(f"on the pending list before, without a task: {_shown(verdict.ghosts)}")
    appeared = ", ".join(f"{count:,} {kind}" for kind, count in verdict.appeared.items() if count)
    return [*lines, f"new keys: {appeared}"] if appeared else lines


def _unclean(verdict: Verdict) -> str:
    found = (
        (kind, ", ".join(f"{len(names[name]):,} {name}" for name in UNCLEAN if names.get(name)))
        for kind, names in ((kind, verdict.names[kind]) for kind in KINDS)
    )
    return "; ".join(f"{kind}: {text}" for kind, text in found if text)


def _shown(names: Sequence[str]) -> str:
    more = len(names) - _NAMES_SHOWN
    return ", ".join(map(repr, names[:_NAMES_SHOWN])) + (f" and {more:,} more; --json shows them" if more > 0 else "")
