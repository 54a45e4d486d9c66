"""A scenario as a TOML file: a Worker, who asks it what from where, what is there before, and what must hold."""

import importlib.util
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import cast

from queue_emulator.core.errors import SettingsError
from queue_emulator.explore.common import no_5xx
from queue_emulator.explore.guarantee import Guarantee
from queue_emulator.explore.history import Actor
from queue_emulator.explore.scenarios import BY_NAME, FAULTS, SCENARIOS, Scenario
from queue_emulator.explore.seen import OwnCheck, guarantee
from queue_emulator.explore.user_worker import Own, Worker, by_id, item, parse
from queue_emulator.kv.folder import read_small

BYTES_MAX = 1_000_000  # of a file
PAGE_MAX, OPERATIONS_MAX = 1_000, 1_000  # production's
_JAVASCRIPT = (".mjs", ".js", ".json", ".jsonc")  # a wrangler config names one too
_LOCATION = re.compile(r"[A-Z]{3}")
_NAME = re.compile(r"\w+")
_READY: Mapping[str, Callable[[], Guarantee]] = {"no-5xx": no_5xx}


def read_scenario(path: Path) -> Scenario:
    """The scenario in a file; its name is the path. Raises SettingsError for what it cannot be, OSError."""
    try:
        said = tomllib.loads(read_small(path, BYTES_MAX).decode())
        return _Reader(path, said).scenario()
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: not valid TOML: {error}") from None
    except RecursionError:
        raise SettingsError(f"{path}: nested too deep") from None
    except SettingsError as error:
        raise SettingsError(f"{path}: {error}") from None


def scenarios_named(names: Sequence[str]) -> Sequence[Scenario]:
    """Those of these names or in these files, each once; without any all built-in ones. Raises SettingsError."""
    for name in names:
        if name not in BY_NAME and not name.endswith(".toml"):
            raise SettingsError(f"unknown scenario {name!r}; there are {', '.join(BY_NAME)}, and files as mine.toml")
    return [BY_NAME.get(name) or read_scenario(Path(name)) for name in dict.fromkeys(names)] or SCENARIOS


def scenario_for(schedule: str, of: str, named: Sequence[str]) -> Scenario:
    """The file `of` that a schedule names as its scenario; raises SettingsError for one that is not to be trusted."""
    if not of.endswith(".toml"):
        raise SettingsError(
            f"{schedule} is of {of}, which is no file of a scenario: pytest replays it, by --replay-schedule"
        )
    if of not in named and not _below_here(of):
        raise SettingsError(
            f"{schedule} is of {of}, which is not below this folder and can run code: say --scenario {of} too"
        )
    return read_scenario(Path(of))


def make_scenario(
    name: str,
    own: Own,
    *,
    actors: tuple[Actor, ...],
    before: Mapping[str, str],
    faults: bool,
    page_max: int = PAGE_MAX,
    operations_max: int = OPERATIONS_MAX,
    machines: int = 1,
) -> Scenario:
    """A scenario of somebody's own; raises SettingsError for what it cannot be."""
    if not actors:
        raise SettingsError("a scenario needs at least one actor")
    taken = set[str]()
    for actor in actors:
        if not _NAME.fullmatch(actor.name) or actor.name in taken or actor.name.startswith("end_"):
            raise SettingsError(f"actors need names of letters and digits, each its own, not {actor.name!r}")
        taken.add(actor.name)
        _check_location(actor.location)
        for text in actor.script:
            parse(text)
    for location in own.end_locations:
        _check_location(location)
    for text in own.at_end:
        if parse(text).needs:
            raise SettingsError(f"a request at the end can use nothing that was kept: {text!r}")
    return Scenario(
        name,
        actors,
        tuple(item(key, value) for key, value in before.items()),
        page_max=page_max,
        operations_max=operations_max,
        faults=FAULTS if faults else (),
        machines=machines,
        subject=own,
    )


class _Reader:
    def __init__(self, path: Path, said: dict[str, object]) -> None:
        self._path = path
        self._said = dict(said)

    def scenario(self) -> Scenario:
        worker, main = self._worker()
        names = self._texts("guarantees")
        actors = tuple(self._actor(each) for each in self._tables("actor"))
        own = Own(
            worker,
            by_id(self._guarantee(name) for name in names),
            self._text("binding", "CACHE"),
            self._texts_by_name("headers"),
            self._texts("at_end", ()),
            self._texts("end_locations", ("SJC", "NRT")),
            main=main,
        )
        before, faults = self._texts_by_name("before"), self._said.pop("faults", False)
        page_max, operations_max = self._limit("page", PAGE_MAX), self._limit("operations", OPERATIONS_MAX)
        machines = self._limit("machines", 16, 1)
        if self._said:
            raise SettingsError(f"unknown {next(iter(self._said))!r}; there are {', '.join(_MEMBERS)}")
        if not isinstance(faults, bool):
            raise SettingsError(f"faults must be true or false, not {faults!r}")
        return make_scenario(
            str(self._path),
            own,
            actors=actors,
            before=before,
            faults=faults,
            page_max=page_max,
            operations_max=operations_max,
            machines=machines,
        )

    def _worker(self) -> tuple[Worker | None, Path | None]:
        """A function of Python, or the main module of a Worker in JavaScript; neither if none is named."""
        name = self._text("worker", "")
        if not name:
            return None, None
        if name.endswith(_JAVASCRIPT):
            return None, self._path.parent / name
        return cast("Worker", self._function(name)), None

    def _actor(self, said: Mapping[str, object]) -> Actor:
        reader = _Reader(self._path, dict(said))
        actor = Actor(reader._text("name"), reader._text("at", "SJC"), reader._texts("asks"))
        if reader._said:
            raise SettingsError(f"an actor has name, at and asks, not {next(iter(reader._said))!r}")
        return actor

    def _guarantee(self, name: str) -> Guarantee:
        if name in _READY:
            return _READY[name]()
        found = self._function(name)
        if isinstance(found, Guarantee):
            return found
        return guarantee(cast("OwnCheck", found))

    def _function(self, name: str) -> object:
        """`file.py:name`, the file beside this one."""
        file, _, member = name.rpartition(":")
        if not file.endswith(".py"):
            if name.endswith((".ts", ".tsx")):
                raise SettingsError(
                    f"{name} is TypeScript: bundle it first, such as with `npx wrangler deploy --dry-run --outdir dist`"
                )
            raise SettingsError(f"{name!r} must be written as file.py:name")
        module = _module(self._path.parent / file)
        found: object = getattr(module, member, None)
        if not callable(found) and not isinstance(found, Guarantee):
            raise SettingsError(f"{file} has no function {member!r}")
        return found

    def _text(self, name: str, default: str | None = None) -> str:
        given = self._said.pop(name, default)
        if not isinstance(given, str):
            raise SettingsError(f"{name} must be a text, not {given!r}" if given is not None else f"{name} is missing")
        return given

    def _texts(self, name: str, default: tuple[str, ...] | None = None) -> tuple[str, ...]:
        given = self._said.pop(name, default)
        if not isinstance(given, list | tuple) or not all(isinstance(each, str) for each in given):
            raise SettingsError(f"{name} must be a list of texts" if given is not None else f"{name} is missing")
        return tuple(given)

    def _texts_by_name(self, name: str) -> dict[str, str]:
        given = self._said.pop(name, {})
        if not isinstance(given, dict) or not all(isinstance(each, str) for each in given.values()):
            raise SettingsError(f"{name} must be a table of texts")
        return given

    def _tables(self, name: str) -> list[dict[str, object]]:
        given = self._said.pop(name, [])
        if not isinstance(given, list) or not all(isinstance(each, dict) for each in given):
            raise SettingsError(f"{name} must be written as [[{name}]]")
        return given

    def _limit(self, name: str, limit: int, default: int | None = None) -> int:
        given = self._said.pop(name, limit if default is None else default)
        if not isinstance(given, int) or isinstance(given, bool) or not 1 <= given <= limit:
            raise SettingsError(f"{name} must be a whole number from 1 to {limit}, not {given!r}")
        return given


def _below_here(name: str) -> bool:
    """Whether a file that a schedule names is one of the folder in which the user works, links resolved."""
    return Path(name).resolve().is_relative_to(Path.cwd().resolve())


def _module(path: Path) -> object:
    spec = importlib.util.spec_from_file_location(f"explored_{path.stem}", path)
    assert spec is not None, "a path that ends in .py is one of a module"
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except FileNotFoundError:
        raise SettingsError(f"there is no {path}") from None
    except Exception as error:
        raise SettingsError(f"{path} cannot be imported: {type(error).__name__}: {error}") from error
    return module


def _check_location(location: str) -> None:
    if not _LOCATION.fullmatch(location):
        raise SettingsError(f"a location is an airport's code, as SJC, not {location!r}")


_MEMBERS = (
    "worker", "guarantees", "actor", "binding", "headers", "before", "at_end", "end_locations", "faults", "page",
    "operations", "machines",
)  # fmt: skip
