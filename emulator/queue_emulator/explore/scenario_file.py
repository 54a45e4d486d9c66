"""A scenario as a TOML file: a Worker, who asks it what from where, what is there before, and what must hold."""

import importlib.util
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, cast

import msgspec

from queue_emulator.core.errors import SettingsError, ShapeError
from queue_emulator.core.places import MACHINES_MAX
from queue_emulator.core.shapes import shaped
from queue_emulator.core.toml_text import parse_toml
from queue_emulator.explore.common import no_5xx
from queue_emulator.explore.guarantee import Guarantee
from queue_emulator.explore.history import Actor
from queue_emulator.explore.scenario_limits import check_headers, check_length, check_named, check_size
from queue_emulator.explore.scenarios import BY_NAME, FAULTS, SCENARIOS, Scenario
from queue_emulator.explore.seen import OwnCheck, guarantee
from queue_emulator.explore.user_worker import Own, Worker, by_id, item, parse
from queue_emulator.kv.folder import read_small
from queue_emulator.worker.rollout import DEFAULT_VERSION
from queue_emulator.workerd.bindings import DEFAULT_BINDING

BYTES_MAX = 1_000_000  # of a file
PAGE_MAX, OPERATIONS_MAX = 1_000, 1_000  # production's
_JAVASCRIPT = (".mjs", ".js", ".json", ".jsonc")  # a wrangler config names one too
_LOCATION = re.compile(r"[A-Z]{3}")
_NAME = re.compile(r"\w+")
_READY: Mapping[str, Callable[[], Guarantee]] = {"no-5xx": no_5xx}


def read_scenario(path: Path) -> Scenario:
    """The scenario in a file; its name is the path. Raises SettingsError for what it cannot be, OSError."""
    given = _parsed(path)
    try:
        return _scenario(path, shaped(given, _File, an_object="a table"))
    except (SettingsError, ShapeError) as error:
        raise SettingsError(f"{path}: {error}") from None


def scenarios_named(names: Sequence[str]) -> Sequence[Scenario]:
    """Those of these names or in these files, each once; without any all built-in ones. Raises SettingsError."""
    for name in names:
        if name not in BY_NAME and not name.endswith(".toml"):
            raise SettingsError(f"unknown scenario {name!r}; there are {', '.join(BY_NAME)}, and files as mine.toml")
    return [BY_NAME.get(name) or read_scenario(Path(name)) for name in dict.fromkeys(names)] or SCENARIOS


def scenario_for(schedule: str, of: str, named: Sequence[str]) -> Scenario:
    """The file `of` that a schedule names as its scenario, or the one of its name that the user names, wherever it is.

    Raises SettingsError for one that is not to be trusted, or not there.
    """
    if not of.endswith(".toml"):
        raise SettingsError(
            f"{schedule} is of {of}, which is no file of a scenario: pytest replays it, by --replay-schedule"
        )
    given = next((name for name in named if Path(name).name == Path(of).name), None)
    if given is None and not _below_here(of):
        raise SettingsError(
            f"{schedule} is of {of}, which is not below this folder and can run code: say --scenario {of} too"
        )
    if given is None and not Path(of).is_file():
        raise SettingsError(f"{schedule} is of {of}, which is not in this folder: say where, with --scenario FILE")
    return read_scenario(Path(given or of))


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
    check_size(actors, before, own.at_end, own.end_locations)
    check_headers(own.headers)
    if not actors:
        raise SettingsError("a scenario needs at least one actor")
    taken = set[str]()
    for actor in actors:
        if not _NAME.fullmatch(actor.name) or actor.name in taken or actor.name.startswith("end_"):
            raise SettingsError(f"actors need names of letters and digits, each its own, not {actor.name[:100]!r}")
        taken.add(actor.name)
        _check_location(actor.location)
        for text in actor.script:
            parse(text)
    for location in own.end_locations:
        _check_location(location)
    for text in own.at_end:
        if parse(text).needs:
            raise SettingsError(f"a request at the end can use nothing that was kept: {text!r}")
    entries = tuple(item(key, value) for key, value in before.items())
    for entry in entries:
        check_length("an entry", entry)
    own.before(entries)
    return Scenario(
        name,
        actors,
        entries,
        page_max=page_max,
        operations_max=operations_max,
        faults=FAULTS if faults else (),
        machines=machines,
        subject=own,
    )


class _Actor(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    name: str
    at: str = "SJC"
    on: str = DEFAULT_VERSION
    asks: tuple[str, ...]


class _File(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """As it is written; what is left out is production's, and two locations far from each other."""

    worker: str = ""
    versions: dict[str, str] = {}
    guarantees: tuple[str, ...]
    actor: tuple[_Actor, ...] = ()
    binding: str = DEFAULT_BINDING
    headers: dict[str, str] = {}
    before: dict[str, str] = {}
    at_end: tuple[str, ...] = ()
    end_locations: tuple[str, ...] = ("SJC", "NRT")
    faults: bool = False
    page: Annotated[int, msgspec.Meta(ge=1, le=PAGE_MAX)] = PAGE_MAX
    operations: Annotated[int, msgspec.Meta(ge=1, le=OPERATIONS_MAX)] = OPERATIONS_MAX
    machines: Annotated[int, msgspec.Meta(ge=1, le=MACHINES_MAX)] = 1


def _parsed(path: Path) -> dict[str, object]:
    try:
        return parse_toml(read_small(path, BYTES_MAX).decode())
    except RecursionError:
        raise SettingsError(f"{path}: nested too deep") from None
    except ValueError as error:  # also of a number that has more digits than Python reads
        raise SettingsError(f"{path}: not valid TOML: {error}") from None


def _scenario(path: Path, said: _File) -> Scenario:
    check_named(said.guarantees, said.versions)
    _check_versions(said)
    worker, main = _worker(path.parent, said.worker)
    own = Own(
        worker,
        by_id(_guarantee(path.parent, name) for name in said.guarantees),
        said.binding,
        said.headers,
        said.at_end,
        said.end_locations,
        main=main,
        builds=tuple((name, path.parent / build) for name, build in said.versions.items()),
    )
    return make_scenario(
        str(path),
        own,
        actors=tuple(Actor(each.name, each.at, each.asks, each.on) for each in said.actor),
        before=said.before,
        faults=said.faults,
        page_max=said.page,
        operations_max=said.operations,
        machines=said.machines,
    )


def _check_versions(said: _File) -> None:
    """Only a Worker in JavaScript has builds; of one that is named by --worker, that option's versions count."""
    for name, build in said.versions.items():
        if not _NAME.fullmatch(name) or name == DEFAULT_VERSION:
            raise SettingsError(
                f"a version needs a name of letters and digits, other than {DEFAULT_VERSION}, not {name!r}"
            )
        if not said.worker.endswith(_JAVASCRIPT) or not build.endswith(_JAVASCRIPT):
            raise SettingsError(f"version {name} is {build!r}: versions are builds of a Worker in JavaScript")
    for actor in said.actor:
        if said.worker and actor.on not in (DEFAULT_VERSION, *said.versions):
            known = ", ".join((DEFAULT_VERSION, *said.versions))
            raise SettingsError(f"actor {actor.name} is on version {actor.on!r} of the Worker; there are {known}")


def _worker(folder: Path, name: str) -> tuple[Worker | None, Path | None]:
    """A function of Python, or the main module of a Worker in JavaScript; neither if none is named."""
    if not name:
        return None, None
    if name.endswith(_JAVASCRIPT):
        return None, folder / name
    return cast("Worker", _function(folder, name)), None


def _guarantee(folder: Path, name: str) -> Guarantee:
    if name in _READY:
        return _READY[name]()
    found = _function(folder, name)
    return found if isinstance(found, Guarantee) else guarantee(cast("OwnCheck", found))


def _function(folder: Path, name: str) -> object:
    """`file.py:name`, the file in this folder."""
    file, _, member = name.rpartition(":")
    if not file.endswith(".py"):
        if name.endswith((".ts", ".tsx")):
            raise SettingsError(
                f"{name} is TypeScript: bundle it first, such as with `npx wrangler deploy --dry-run --outdir dist`"
            )
        raise SettingsError(f"{name!r} must be written as file.py:name, or be one of {', '.join(_READY)}")
    found: object = getattr(_module(folder / file), member, None)
    if not callable(found) and not isinstance(found, Guarantee):
        raise SettingsError(f"{file} has no function {member!r}")
    return found


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
        raise SettingsError(f"a location is an airport's code, as SJC, not {location[:100]!r}")
