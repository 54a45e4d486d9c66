"""What one Worker is: its main module and what it is bound to, from flags and from a wrangler config near it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from queue_emulator.core.errors import SettingsError
from queue_emulator.core.javascript import Json
from queue_emulator.workerd.wrangler import FILE_NAMES, WranglerConfig, config_in, find_config, read_config

if TYPE_CHECKING:  # a command that only asks an emulator does without
    from queue_emulator.kv.namespaces import Namespaces
    from queue_emulator.kv.service import KVService

DEFAULT_BINDING = "CACHE"
RUN_INSTEAD = "queue-emulator run -- npx wrangler dev"
BUNDLE_FIRST = f"use {RUN_INSTEAD}, or bundle it first: npx wrangler deploy --dry-run --outdir dist"
_TYPESCRIPT = (".ts", ".tsx", ".mts", ".cts", ".jsx")


@dataclass(frozen=True, slots=True)
class WorkerFlags:
    """What the command line says of the Worker; what it says wins over the config.

    `versions` are other builds of it, by name, where several are asked at once.
    """

    worker: Path
    bindings: Sequence[str] = ()
    variables: Sequence[str] = ()
    compatibility_date: str | None = None
    compatibility_flags: Sequence[str] = ()
    real_date: bool = False
    versions: tuple[tuple[str, Path], ...] = ()


@dataclass(frozen=True, slots=True)
class WorkerPlan:
    """A Worker to run. `kv` gives each binding its namespace in the state file; `variables` are text or JSON.

    `ids` gives a namespace the id that the wrangler config has for it. `unserved`, `sections` and `environments` are
    what of that config is left out: by name of a binding its section, other sections, and names of environments.

    `fixed` names the variables that flags set, which no secret replaces. `compatibility_date` None is the runtime's
    own date. With `real_date` the Worker's `Date` is the machine's, whatever the emulator's clock shows.
    `assumed`: nothing names a KV namespace, so that one binding was taken for granted.
    """

    main: Path
    kv: Mapping[str, str] = field(default_factory=lambda: {DEFAULT_BINDING: DEFAULT_BINDING})
    ids: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, Json] = field(default_factory=dict)
    fixed: frozenset[str] = frozenset()
    compatibility_date: str | None = None
    compatibility_flags: tuple[str, ...] = ()
    config: Path | None = None
    unserved: Mapping[str, str] = field(default_factory=dict)
    sections: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()
    real_date: bool = False
    assumed: bool = False

    @property
    def folder(self) -> Path:
        """Where its `.dev.vars` lies: beside the config, as wrangler has it, else beside the Worker."""
        return (self.config or self.main).parent

    @property
    def controlled(self) -> str:
        """The namespace that the control surface speaks of: of the binding CACHE, else of the first."""
        return self.kv.get(DEFAULT_BINDING) or next(iter(self.kv.values()))


def plan_worker(flags: WorkerFlags) -> WorkerPlan:
    """Put flags and config together; raises SettingsError for a Worker that cannot be run."""
    if not flags.worker.is_dir():
        _require_file(flags.worker)
    config = _config(flags.worker)
    main = _main(flags.worker, config)
    variables = dict(_split(each, "--var NAME=VALUE") for each in flags.variables)
    bound = dict(_binding(each) for each in flags.bindings)
    kv = {**config.kv, **bound} or {DEFAULT_BINDING: DEFAULT_BINDING}
    twice = sorted(set(kv) & {*config.variables, *variables})
    if twice:
        raise SettingsError(f"{twice[0]} is both a KV namespace binding and a variable: rename one")
    return WorkerPlan(
        main=main,
        kv=kv,
        ids=config.ids,
        variables={**config.variables, **variables},
        fixed=frozenset(variables),
        compatibility_date=flags.compatibility_date or config.compatibility_date,
        compatibility_flags=tuple(dict.fromkeys((*config.compatibility_flags, *flags.compatibility_flags))),
        config=config.path,
        unserved={name: section for name, section in config.unserved.items() if name not in kv},
        sections=config.sections,
        environments=config.environments,
        real_date=flags.real_date,
        assumed=not (config.kv or bound),
    )


async def bind_all(plan: WorkerPlan, namespaces: "Namespaces", worker: str) -> "dict[str, KVService]":
    """By name the namespaces that the Worker is bound to, the one that is controlled first; new ones come to be."""
    bindings = {name: binding for binding, name in reversed(list(plan.kv.items()))}
    return {
        name: await namespaces.bind(name, worker=worker, id=plan.ids.get(name), binding=bindings.get(name))
        for name in dict.fromkeys((plan.controlled, *plan.kv.values()))
    }


def with_secrets(plan: WorkerPlan, secrets: Mapping[str, str]) -> dict[str, str]:
    """All variables as the config takes them: `name -> JSON text`. A secret wins over a `vars` entry of its name."""
    taken = {name: value for name, value in secrets.items() if name not in plan.fixed}
    clash = sorted(set(taken) & set(plan.kv))
    if clash:
        raise SettingsError(f"{clash[0]} is both a KV namespace binding and a secret: rename one")
    return {name: json.dumps(value) for name, value in {**plan.variables, **taken}.items()}


def _config(worker: Path) -> WranglerConfig:
    """Of a module it is the nearest one; a folder that is named has its own: that above may be another Worker's."""
    if worker.name in FILE_NAMES:
        return read_config(worker)
    path = config_in(worker.absolute()) if worker.is_dir() else find_config(worker.parent.absolute())
    return WranglerConfig() if path is None else read_config(path)


def _main(worker: Path, config: WranglerConfig) -> Path:
    named = worker.is_dir() or worker.name in FILE_NAMES
    if named and config.main is None:
        above = find_config(worker.absolute().parent) if worker.is_dir() and config.path is None else None
        hint = "" if above is None else f", name the one above it, {above}"
        raise SettingsError(
            f"{worker} has no wrangler config with `main`: add one{hint}, give the path of the main module, or use "
            f"{RUN_INSTEAD}"
        )
    main = config.main if named and config.main is not None else worker
    if main.suffix in _TYPESCRIPT:
        kind = "JSX" if main.suffix == ".jsx" else "TypeScript"
        raise SettingsError(f"{main} is {kind}, and --worker takes compiled JavaScript: {BUNDLE_FIRST}")
    if main.suffix not in (".js", ".mjs"):
        raise SettingsError(f"{main} is not a Worker: its main module is a .mjs or .js file")
    _require_file(main)
    return main.absolute()


def _require_file(path: Path) -> None:
    """A pipe or a device is there, and would be waited for or read without end."""
    if not path.is_file():
        raise SettingsError(
            f"there is no Worker at {path}: {'not a regular file' if path.exists() else 'no such file'}"
        )


def _binding(given: str) -> tuple[str, str]:
    name, _, namespace = given.partition("=")
    if not name.isidentifier():
        raise SettingsError(f"--binding must be NAME or NAME=NAMESPACE, not {given!r}")
    return name, namespace or name


def _split(given: str, form: str) -> tuple[str, str]:
    name, equals, value = given.partition("=")
    if not equals or not name.isidentifier():
        raise SettingsError(f"not {form}: {given!r}")
    return name, value
