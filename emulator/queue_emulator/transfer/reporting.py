"""What a seed says: what it is about to write, and exactly what it wrote."""

from dataclasses import dataclass, field

from queue_emulator.core.errors import EmulatorError
from queue_emulator.core.shown import counted
from queue_emulator.terminal import tell
from queue_emulator.transfer.bulk_files import SKIPPED_S, CheckedFiles
from queue_emulator.transfer.endpoint import Target
from queue_emulator.transfer.output import say

_NAMES_SHOWN = 1000


@dataclass(slots=True)
class Outcome:
    """What became of the entries.

    unchanged  written by a run before
    looked_up  how many of those were found as they were; the others are taken to be there too
    written    by this one
    uncertain  how many after those may have been written or not
    refused    keys that the target did not take, of those that were written
    failure    what ended the run, if it did not come to its end
    finished   whether it did
    """

    unchanged: int = 0
    looked_up: int = 0
    written: int = 0
    uncertain: int = 0
    refused: list[str] = field(default_factory=list)
    failure: EmulatorError | None = None
    finished: bool = False

    @property
    def past(self) -> int:
        return self.unchanged + self.written


def show_plan(plan: CheckedFiles, target: Target, described: str) -> None:
    """Files, entries, bytes and target, and what is worth a warning."""
    for each in plan.files:
        say(f"{each.file.named}: {counted(each.entries, 'entry', 'entries')}, {each.value_bytes:,} bytes of values")
        if each.skipped:
            left_out = counted(each.skipped, "entry", "entries")
            say(f"{each.file.named}: {left_out} left out: {_why_left_out(plan)}")
        for name, count in each.unknown_fields.items():
            entries = counted(count, "entry", "entries")
            say(f"{each.file.named}: warning: unknown field {name!r} in {entries} is ignored")
    if plan.repeated:
        entries = counted(plan.repeated, "entry", "entries")
        say(f"warning: {entries} with a key that occurs again later; the last entry wins")
    say(f"into {target.name}: {described}{plan.reading.time_of_data and ';'}{plan.reading.time_of_data}")


def _why_left_out(plan: CheckedFiles) -> str:
    return (
        "they had expired by then"
        if plan.reading.data_ms is not None
        else f"they have expired, or will within {SKIPPED_S} seconds"
    )


def show_outcome(outcome: Outcome, plan: CheckedFiles, target: Target) -> None:
    """How much is written, and what is not, with names."""
    say(*_lines(outcome, plan, target))
    if outcome.failure:
        tell(f"queue-emulator: {outcome.failure}")


def _lines(outcome: Outcome, plan: CheckedFiles, target: Target) -> list[str]:
    if outcome.finished:
        keys = plan.entries - plan.repeated - len(outcome.refused)
        lines = [f"{counted(keys, 'key', 'keys')} written to {target.name}"]
    elif target.whole:
        return [f"nothing was written to {target.name}: everything is written at the end, or nothing"]
    else:
        done = f"{outcome.past:,} of {counted(plan.entries, 'entry', 'entries')}"
        lines = [f"{done} are written to {target.name}; run the same command again to continue"]
    if outcome.unchanged:
        before = counted(outcome.unchanged, "entry", "entries")
        lines.append(f"  unchanged: {before} that an earlier run wrote; {outcome.looked_up} of them were checked")
    if outcome.uncertain:
        first, last = outcome.past + 1, outcome.past + outcome.uncertain
        lines.append(f"  unknown: entries {first:,} to {last:,} may have been written")
    if outcome.refused:
        lines.append(f"  failed: {counted(len(outcome.refused), 'key', 'keys')} that {target.name} refused:")
        lines += [f"    {name!r}" for name in outcome.refused[:_NAMES_SHOWN]]
    if len(outcome.refused) > _NAMES_SHOWN:
        lines.append(f"    and {len(outcome.refused) - _NAMES_SHOWN:,} more")
    return lines
