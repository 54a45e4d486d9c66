"""Rounds: a life, its end, and the next one's opening, at which everything is compared."""

import asyncio
import json
import random
import signal
import subprocess
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from queue_emulator.core.accounts import namespace_of
from tests.cli.emulator_process import COMMAND, WAIT_S_MAX, closed_environment
from tests.machine.account import PLAIN, QUEUE_KEYS, TWINS, Account, Namespace
from tests.machine.choices import Situation, value
from tests.machine.comparing import Fault, Found, control_disagrees, read_all, served, stored
from tests.machine.crowd import Crowd
from tests.machine.life import BINDINGS, Counts, Life, Plan, life

CACHE_ID, OTHER_ID = (namespace_of(name).id for name in BINDINGS)
_SEEDS_THE_FILE, _SEEDS_THE_EMULATOR = 0.1, 0.05


@dataclass(slots=True)
class Machine:
    """One state file, through many lives. `faults` is what went wrong, with the round in which it was seen."""

    folder: Path
    chance: random.Random
    workerd: Path | None
    now_ms: int
    account: Account = field(default_factory=Account)
    counts: Counts = field(default_factory=Counts)
    rounds: int = 0
    faults: list[tuple[int, Fault]] = field(default_factory=list)

    async def run(self, rounds: int, shown: Callable[["Machine"], None] = lambda machine: None) -> None:
        """That many lives, and one more opening, which shows what the last one left."""
        for _ in range(rounds):
            await self._round(Plan.draw(self.chance, self.workerd))
            self.rounds += 1
            shown(self)
        async with life(
            Plan(None, ("--profile", "local"), signal.SIGTERM, True, 0), self.folder, self.now_ms, self.counts
        ) as last:
            await self._compare(last)

    async def seed_file(self, *, killed: bool = False) -> None:
        """By the command too, into the file that nobody has open."""
        await self._seed("--state", str(self.folder / "state.sqlite"), killed=killed)
        self.account.process_ended()

    async def _round(self, plan: Plan) -> None:
        async with life(plan, self.folder, self.now_ms, self.counts) as living:
            await self._compare(living)
            crowd = Crowd(living, self._situation(plan))
            seeding = [self._seed_emulator(living)] if self.chance.random() < _SEEDS_THE_EMULATOR else []
            await asyncio.gather(crowd.run(), *seeding)
            if plan.settled:
                await crowd.volleys()
                asked = self.account.now()
                found = await read_all(living)
                self._note(served(self.account, found, asked, self.account.now()))
                living.end()
            self._note(crowd.faults)
            living.emulator.ended()
        self.account.process_ended()
        if self.chance.random() < _SEEDS_THE_FILE:
            await self.seed_file(killed=self.chance.random() < 0.4)

    async def _compare(self, living: Life) -> None:
        """What is there now, against what was known when the last life ended."""
        bound = {CACHE_ID, OTHER_ID} if living.plan.runtime is not None else {CACHE_ID}
        found = await read_all(living)
        self._bind(bound, found)
        self._note(stored(self.account, found))
        for id, namespace in self.account.namespaces.items():
            namespace.bound = id in bound
        self._note(await control_disagrees(living, found[CACHE_ID]))

    def _bind(self, bound: set[str], found: dict[str, Found]) -> None:
        """A namespace that a Worker is bound to is made when the emulator opens, if it is not there."""
        for id, name in zip((CACHE_ID, OTHER_ID), BINDINGS, strict=True):
            if id not in bound:
                continue
            namespace = self.account.namespaces.get(id)
            sweeps = [] if namespace is None or namespace.bound else self.account.sweeps
            title = found[id].title if id in found else None
            if namespace is None or namespace.title.judge(title, *sweeps) is not None:
                self.account.namespaces[id] = namespace = Namespace(id, bound=True)
                namespace.title.begin_again(name)
            elif not namespace.bound and namespace.title.judge(None, *sweeps) is None:
                namespace.may_be_new(self.account.now())

    def _situation(self, plan: Plan) -> Situation:
        there = self.account.namespaces
        bound = {
            name: there[id]
            for name, id in zip(BINDINGS, (CACHE_ID, OTHER_ID), strict=True)
            if there.get(id) and there[id].bound
        }
        return Situation(self.account, self.chance, there[CACHE_ID], bound, plan.strong)

    async def _seed_emulator(self, living: Life) -> None:
        """By the command, as a user does."""
        await self._seed("--to", living.emulator.url)

    async def _seed(self, *target: str, killed: bool = False) -> None:
        cache = self.account.namespaces[CACHE_ID]
        marks = {name: self.account.mark() for name in self.chance.sample((*QUEUE_KEYS, *PLAIN), 3)}
        marks |= dict.fromkeys(TWINS, self.account.mark())
        file = self.folder / "seed.json"
        file.write_text(json.dumps([{"key": name, "value": value(mark)} for name, mark in marks.items()]))
        asked = self.account.now()
        writes = [cache.key(name).begin(mark, asked) for name, mark in marks.items()]
        process = await asyncio.create_subprocess_exec(
            COMMAND, "seed", str(file), *target, cwd=self.folder, env=closed_environment(),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            await asyncio.wait_for(process.wait(), self.chance.uniform(0.1, 0.4) if killed else WAIT_S_MAX)
        except TimeoutError:
            with suppress(ProcessLookupError):  # it has ended just now
                process.kill()
        code, ended = await process.wait(), self.account.now()
        for write in writes:
            write.sure = code == 0
            write.ended = ended if code == 0 else None

    def _note(self, faults: list[Fault]) -> None:
        self.faults += [(self.rounds, fault) for fault in faults]
