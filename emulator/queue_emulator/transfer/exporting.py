"""`export` and `import`: a namespace as a bulk-put file, and that file into another endpoint."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from typing import BinaryIO

from tqdm import tqdm

from queue_emulator.core.bulk import BulkEntry, bulk_json
from queue_emulator.core.limits import TTL_S_MIN
from queue_emulator.core.shown import counted, one_line
from queue_emulator.kv.folder import private_folder
from queue_emulator.terminal import tell
from queue_emulator.transfer.bulk_files import BulkFile
from queue_emulator.transfer.endpoint import Page, Remark, Source
from queue_emulator.transfer.endpoints import source_of, target_of
from queue_emulator.transfer.output import standard_output, write_whole
from queue_emulator.transfer.seeding import SeedOptions, check_answerable, seed_files

_NAMES_SHOWN = 5


@dataclass(slots=True)
class Exported:
    """How many entries were written, and what could not be given as it was: keys by what is the matter with them."""

    entries: int = 0
    left_out: dict[str, list[str]] = field(default_factory=dict)
    changed: dict[str, list[str]] = field(default_factory=dict)

    def remark(self, remark: Remark) -> None:
        (self.changed if remark.kept else self.left_out).setdefault(remark.what, []).append(remark.key)


def export(endpoint: str) -> int:
    """Write a namespace to standard output, remarks to standard error; returns the exit code."""
    with source_of(endpoint) as source, asyncio.Runner() as runner:
        try:
            runner.run(source.look(writing=False))
            with standard_output() as stream:
                exported = runner.run(_export(source, stream, for_wrangler=True))
        finally:
            runner.run(source.close())
    _report(exported, source)
    return 0


def import_(endpoint: str, to: str, options: SeedOptions) -> int:
    """Load a namespace into an endpoint: all of it is read before anything is written. Returns the exit code."""
    target = target_of(to)
    check_answerable(target, options)
    with private_folder() as folder, source_of(endpoint) as source:
        content = folder / "exported.json"
        with asyncio.Runner() as runner:
            try:
                runner.run(source.look(writing=False))
                runner.run(target.look(writing=True))
                with content.open("wb") as stream:
                    exported = runner.run(_export(source, stream, for_wrangler=False))
            finally:
                runner.run(source.close())
                runner.run(target.close())
        _report(exported, source)
        return seed_files([BulkFile(source.name, content)], target_of(to), replace(options, skip_ending=True))


async def _export(source: Source, stream: BinaryIO, *, for_wrangler: bool) -> Exported:
    exported = Exported()
    now_s = await source.now_ms() // 1000
    separator = b"[\n"
    with tqdm(desc=one_line(f"reading {source.name}"), unit=" keys", leave=False, disable=None) as bar:
        async for entry in _entries(source, exported):
            if entry.expiration_s is not None and entry.expiration_s < now_s + TTL_S_MIN:
                what = f"expired, or will within {TTL_S_MIN} seconds: a bulk put refuses that"
                exported.remark(Remark(entry.key.decode(), what, kept=False))
                continue
            if for_wrangler and entry.metadata is not None and not entry.metadata.lstrip().startswith("{"):
                what = "metadata is not a JSON object: `wrangler kv bulk put` refuses that"
                exported.remark(Remark(entry.key.decode(), what, kept=True))
            write_whole(stream, separator + bulk_json(entry).encode())
            separator = b",\n"
            exported.entries += 1
            bar.update()
    write_whole(stream, b"\n]\n" if exported.entries else b"[]\n")
    stream.flush()
    return exported


async def _entries(source: Source, exported: Exported) -> AsyncIterator[BulkEntry]:
    page: Page
    async for page in source.pages():
        for remark in page.remarks:
            exported.remark(remark)
        for entry in page.entries:
            yield entry


def _report(exported: Exported, source: Source) -> None:
    tell(f"{counted(exported.entries, 'entry', 'entries')} read from {source.name}")
    for words, remarks in (("left out", exported.left_out), ("note", exported.changed)):
        for what, keys in remarks.items():
            shown = ", ".join(map(repr, keys[:_NAMES_SHOWN])) + (", …" if len(keys) > _NAMES_SHOWN else "")
            tell(f"{words}: {counted(len(keys), 'key', 'keys')}: {what}: {shown}")
