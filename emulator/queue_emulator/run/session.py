"""What happens between the start of the command and its end: the tool's reports, and what follows from them."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from queue_emulator.core.clock import MovableClock
from queue_emulator.core.dice import Dice
from queue_emulator.core.errors import EmulatorError, SettingsError, StateError
from queue_emulator.core.wire_names import PROCESS_HEADER
from queue_emulator.kv.folder import read_small
from queue_emulator.kv.service import KVService
from queue_emulator.run import reports
from queue_emulator.run.app import Addresses, ToolApp, address_of, runs_at
from queue_emulator.run.command import Command
from queue_emulator.run.messages import Announcements
from queue_emulator.run.reports import Bound, Disposed, Gone, Ready, Refused, Report
from queue_emulator.run.runtimes import Runtimes
from queue_emulator.run.tool_namespaces import PREFERRED, Bind, Lending, Seed
from queue_emulator.settings import ToolSettings
from queue_emulator.terminal import tell
from queue_emulator.workerd import runtime_kv
from queue_emulator.workerd.invocations import Invocations
from queue_emulator.workerd.worker_clock import ClockSockets, WorkerClock

REFUSED = 2
_WARN_S = 30.0  # wrangler loads miniflare within two seconds, its download by npx takes some more
_UNKNOWN = "not by way of the emulator's port"  # the route of what the tool's own port, a cron or a test asks
_KV_SOCKET, _REPORTS_SOCKET, _PRELOAD_CONFIG = "kv", "reports", "preload.json"
_REFUSAL = "refused"
_REFUSAL_BYTES_MAX = 65_536


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the emulator lends to the tool.

    bind      finds the namespace of an id for the binding of a name
    locate    finds the location that a header names, None if there is none
    control   is told of the namespace that the controls are to speak of
    clock     the one that the Workers' `Date` shows
    ready     is told the Workers' URLs by location, each time that the tool has started them
    say, log  take a line for the user, and one of the log
    """

    bind: Bind
    locate: Callable[[str | None], str | None]
    control: Callable[[KVService], None]
    clock: Callable[[], MovableClock]
    ready: Callable[[Mapping[str, str]], None] = lambda urls: None
    say: Callable[[str], None] = tell
    log: Callable[[str], None] = tell


class Session:
    """One run of a command. `app` is the ASGI application that clients of the emulator's own port reach."""

    def __init__(self, settings: ToolSettings, around: Surroundings, seeds: Sequence[Seed], controls: str) -> None:
        self._settings = settings
        self._around = around
        self._addresses = Addresses(settings.locations)
        self._runtimes = Runtimes()
        self._invocations = Invocations(outside=_UNKNOWN)
        self._announcements = Announcements(controls, settings.locations, settings.at, around.say)
        self.lending = Lending(around.bind, seeds, settings.locations[0])
        self._refused = asyncio.Event()
        self.clock = WorkerClock(around.clock, around.log)
        self._sign = f"{Dice().bits(64, 'clock'):016x} "
        self.app = ToolApp(
            self._addresses, locate=around.locate, invocations=self._invocations, before=self.clock.tell_all
        )

    @asynccontextmanager
    async def listening(self, folder: Path) -> AsyncIterator[None]:
        """Have the preload's sockets and its config in this folder."""
        kv = runtime_kv.RuntimeKV(
            self.lending.find,
            locations=all_locations(self._settings),
            invocations=self._invocations,
            log=self._around.log,
            before_answer=self.clock.tell_all,
            runs_at=lambda location, headers: runs_at(location, headers.get(PROCESS_HEADER, "")),
        )
        try:
            listening = await runtime_kv.listen(kv, folder / _KV_SOCKET)
            server = await reports.listen(folder / _REPORTS_SOCKET, self._take)
        except OSError as error:
            raise SettingsError(f"cannot listen at {folder}: {error}; TMPDIR names the folder for that") from None
        config = {
            "kv": f"unix:{folder / _KV_SOCKET}",
            "reports": str(folder / _REPORTS_SOCKET),
            "refused": str(folder / _REFUSAL),
            "locations": self._settings.locations,
            "at": dict(self._settings.at),
            "realDate": self._settings.real_date,
            "sign": self._sign,
        }
        self._refusal = folder / _REFUSAL
        (folder / _PRELOAD_CONFIG).write_text(json.dumps(config))
        try:
            yield
        finally:
            server.close()
            await listening.cleanup()

    async def outcome(self, command: Command, serving: "asyncio.Future[None]") -> int:
        """Wait until the command ends, or until there is a reason to end it; the exit code."""
        ended, refused = asyncio.ensure_future(command.ended()), asyncio.ensure_future(self._refused.wait())
        warning = asyncio.get_running_loop().call_later(_WARN_S, self._announcements.warn)
        try:
            await asyncio.wait((ended, refused, serving), return_when=asyncio.FIRST_COMPLETED)
            if serving.done():
                serving.result()  # it ends by itself only with an error
            if self._refused.is_set():
                command.end()
            code = await ended
            await self._take_refusal()
            if self._refused.is_set():
                return REFUSED
            self._announcements.ended(code)
            return code
        finally:
            warning.cancel()
            refused.cancel()
            ended.cancel()

    async def _take_refusal(self) -> None:
        """The command may have ended before it said so; whatever runs in it can write there."""
        try:
            report = reports.parse(read_small(self._refusal, _REFUSAL_BYTES_MAX))
        except FileNotFoundError:
            return
        except (OSError, ValueError, StateError):
            self._around.say(
                "queue-emulator: the command ended, perhaps because its version of miniflare is not supported; "
                "the report of the reason cannot be read"
            )
            self._refused.set()
        else:
            await self._take(report)

    async def _take(self, report: Report | Gone) -> None:
        try:
            match report:
                case Bound(places=places):
                    await self.lending.lend(places)
                    self.control()
                case Ready():
                    self._runtimes.take(report)
                    self._lead()
                    await self._tell_the_time(report)
                    self._around.ready(self._addresses.urls)
                case Disposed():
                    self._runtimes.ended(report.process, report.instance)
                    self._lead()
                case Gone():
                    self._runtimes.ended(report.process)
                    self._lead()
                    return
                case Refused():
                    self._refused.set()
            self._announcements.take(report)
        except EmulatorError as error:
            self._around.say(f"queue-emulator: {error}")
            self._refused.set()

    def _lead(self) -> None:
        """Our port leads to one runtime, and the time is told to all."""
        leading, to = self._runtimes.leading, self._addresses
        if leading is None:
            to.urls, to.process = {}, ""
        else:
            to.urls, to.cf, to.alone, to.process = leading.urls, leading.cf, leading.alone, leading.process
        known = self.clock.sockets.addresses if self.clock.sockets else {}
        addresses = {url: address_of(url) for url in self._runtimes.clocks}
        self.clock.sockets = ClockSockets(addresses, self._sign)
        self.clock.forget(known.keys() - addresses.keys())

    async def _tell_the_time(self, report: Ready) -> None:
        """To Workers that have just been started, and show the machine's."""
        self.clock.forget(report.clocks)
        await self.clock.tell_all()

    def control(self) -> None:
        """The controls speak of the namespace of the binding CACHE, else of the first that was bound."""
        bound = self.lending.bound
        preferred = (service for place, service in bound.items() if place.binding == PREFERRED)
        found = next(preferred, next(iter(bound.values()), None))
        if found is not None:
            self._around.control(found)


def all_locations(settings: ToolSettings) -> tuple[str, ...]:
    """Those of the Workers, and those at which only a binding is."""
    return tuple(dict.fromkeys((*settings.locations, *settings.at.values())))
