"""What a run is told: the only reader of the environment and of `.dev.vars`."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from queue_emulator.accepting import resolved
from queue_emulator.core.addresses import loopback
from queue_emulator.core.data_time import AsOf
from queue_emulator.core.dev_vars import parse_dev_vars
from queue_emulator.core.dice import Dice
from queue_emulator.core.errors import SettingsError
from queue_emulator.core.profiles import CLOUDFLARE, Profile
from queue_emulator.core.wire_names import API_LOCATION
from queue_emulator.kv.cloudflare_access import API_URL, Access
from queue_emulator.kv.folder import read_small
from queue_emulator.worker.auth import ApiKeys
from queue_emulator.worker.rollout import Rollout
from queue_emulator.workerd.binary import WORKERD_NAME, find_binary
from queue_emulator.workerd.bindings import WorkerFlags, WorkerPlan, plan_worker, with_secrets
from queue_emulator.workerd.extra import require_extra
from queue_emulator.workerd.modules import named_in_code

DEV_VARS = ".dev.vars"
_DEV_VARS_BYTES_MAX = 1 << 20
DEFAULT_STATE = Path(".queue-emulator") / "state.sqlite"
DEFAULT_HOST, DEFAULT_PORT = "127.0.0.1", 8787  # as wrangler dev
DEFAULT_LOCATION = "SJC"
DEVELOPMENT_KEYS = ApiKeys(queue_api_key="dev-queue-key", admin_api_key="dev-admin-key")

KEY_NAMES = ("QUEUE_API_KEY", "ADMIN_API_KEY", "ASSISTANT_API_KEY")
API_TOKEN_NAME = "EMULATOR_API_TOKEN"  # noqa: S105 - the name of a variable
CONTROL_TOKEN_NAME = "EMULATOR_CONTROL_TOKEN"  # noqa: S105 - the name of a variable
_OURS = (API_TOKEN_NAME, CONTROL_TOKEN_NAME)  # no Worker's
_TOKEN = re.compile("[!-~]+")
CLOUDFLARE_NAMES = ("CLOUDFLARE_ACCOUNT_ID", "CLOUDFLARE_API_TOKEN")


@dataclass(frozen=True, slots=True)
class ApiToken:
    """What opens Cloudflare's API here; `source` None: made for this run. `token` None: it is closed."""

    token: str | None = field(default=None, repr=False)
    source: str | None = None


@dataclass(frozen=True, slots=True)
class KeySource:
    """The Worker's keys, and for each that is configured where it came from; the token of Cloudflare's API.

    `control_token` opens the controls to other machines.
    """

    keys: ApiKeys
    sources: dict[str, str]
    development: bool
    api_token: ApiToken = ApiToken()
    control_token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """A Worker to run on workerd instead of the Python one; `variables` with its secrets, as JSON texts by name."""

    plan: WorkerPlan
    binary: Path
    variables: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that `serve` is told. `state` None keeps the data in memory only.

    `cloudflare` names a real namespace: then nothing is kept here. `builds` are versions of `worker`, by name, beside
    itself, which is the version `new`.
    """

    keys: KeySource
    host: str = DEFAULT_HOST
    port: int = DEFAULT_PORT
    state: Path | None = DEFAULT_STATE
    seeds: tuple[Path, ...] = ()
    profile: Profile = CLOUDFLARE
    locations: tuple[str, ...] = (DEFAULT_LOCATION,)
    rollout: Rollout = field(default_factory=Rollout)
    machines: int = 1
    rate_limit_per_minute: int | None = None
    strict: bool = False
    log_requests: bool = True
    log_as_json: bool = False
    colours: bool = False
    random_seed: int | None = None
    worker: WorkerSettings | None = None
    builds: Mapping[str, WorkerSettings] = field(default_factory=dict)
    cloudflare: Access | None = None
    as_of: AsOf | None = None
    ready_file: Path | None = None

    def __post_init__(self) -> None:
        if self.as_of is not None and not self.seeds and (self.as_of.at_ms is None or self.as_of.rebase):
            raise SettingsError("--rebase and --as-of file need --seed FILE")
        if self.as_of is not None and self.cloudflare is not None:
            raise SettingsError("--as-of and --rebase do not work with --kv cloudflare: its clock cannot be moved")
        if self.machines > 1 and not self.profile.caches:
            raise SettingsError(f"--machines needs copies at the locations, which profile {self.profile.name} has not")
        if API_LOCATION in self.locations:
            raise SettingsError(
                f"{API_LOCATION} is the name of Cloudflare's API in faults and journal: choose another location"
            )


@dataclass(frozen=True, slots=True)
class ToolSettings:
    """Everything that `run` is told. `at` gives bindings a location of their own, `seeds` are (binding, file).

    `environment` is the command's, before the preload.
    """

    command: tuple[str, ...]
    environment: Mapping[str, str] = field(repr=False)
    port: int = 0
    state: Path | None = DEFAULT_STATE
    seeds: tuple[tuple[str, Path], ...] = ()
    profile: Profile = CLOUDFLARE
    locations: tuple[str, ...] = (DEFAULT_LOCATION,)
    at: Mapping[str, str] = field(default_factory=dict)
    random_seed: int | None = None
    api_token: str | None = field(default=None, repr=False)
    ready_file: Path | None = None
    real_date: bool = False


def read_api_token() -> str | None:
    """The token of Cloudflare's API from the environment or `.dev.vars`; without one the API is closed."""
    return _token_named(API_TOKEN_NAME, _sources(None, Path()))


def read_control_token() -> str | None:
    """What opens the controls of an emulator on another machine, from the environment or `.dev.vars`."""
    return _token_named(CONTROL_TOKEN_NAME, _sources(None, Path()))


def wants_colours() -> bool:
    """Whether a terminal may be coloured: https://no-color.org (2026-11-30)"""
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def environment() -> dict[str, str]:
    """The whole of it, for a process that is started from here."""
    return dict(os.environ)


def read_worker(
    flags: WorkerFlags, *, workerd: Path | None, host: str, beside: KeySource | None = None
) -> tuple[WorkerSettings, KeySource]:
    """What to run on workerd, and the keys as for the Python Worker; all of `.dev.vars` is bound as secrets.

    `beside` has the keys of a version that runs beside it, for one that has none of its own.

    A key from elsewhere is bound only to a Worker whose code names it: another one has nothing to do with the queue.

    `.dev.vars` lies beside the wrangler config, or the Worker, or in the current directory.
    """
    require_extra()
    plan = plan_worker(flags)
    folder = plan.folder if (plan.folder / DEV_VARS).exists() else Path()
    bound = {name: value for name, value in plan.variables.items() if isinstance(value, str)}
    source = read_keys(host, folder=folder, bound=bound, beside=beside)
    secrets = {name: value for name, value in _dev_vars(folder / DEV_VARS).items() if name not in _OURS}
    keys = (source.keys.queue_api_key, source.keys.admin_api_key, source.keys.assistant_api_key)
    asked_for = {*secrets, *bound, *named_in_code(plan.main, KEY_NAMES)}
    secrets |= {name: key for name, key in zip(KEY_NAMES, keys, strict=True) if key and name in asked_for}
    binary = find_binary(workerd or _read_workerd(), (Path(), plan.main.parent))
    return WorkerSettings(plan, binary, with_secrets(plan, secrets)), source


def read_keys(
    host: str,
    *,
    environment: Mapping[str, str] | None = None,
    folder: Path = Path(),
    bound: Mapping[str, str] | None = None,
    beside: KeySource | None = None,
) -> KeySource:
    """Keys and token from the environment, else `.dev.vars` in `folder`, else, on loopback only, ones of our own.

    `bound` is what a Worker is bound to anyway, and asked last; `beside` is taken as a whole where no key is found.
    Raises SettingsError where an address that others can reach would be opened with keys that everybody knows.
    """
    sources = _sources(environment, folder)
    found = {name: each for name in KEY_NAMES if (each := _first(name, [*sources, ("a variable", bound or {})]))}
    if not found and beside is not None:
        return beside
    tokens = _api_token(host, sources), _token_named(CONTROL_TOKEN_NAME, sources)
    if not found:
        _check_that_nobody_else_can_reach(host)
        return KeySource(DEVELOPMENT_KEYS, {}, True, *tokens)
    keys = ApiKeys(*(found[name].value if name in found else None for name in KEY_NAMES))
    return KeySource(keys, {name: each.source for name, each in found.items()}, False, *tokens)


def read_cloudflare(namespace_id: str, *, environment: Mapping[str, str] | None = None) -> Access:
    """The namespace as wrangler's variables open it; raises SettingsError that names all that are missing.

    https://developers.cloudflare.com/workers/wrangler/system-environment-variables/
    """
    environment = os.environ if environment is None else environment
    missing = [name for name in CLOUDFLARE_NAMES if not environment.get(name)]
    if missing:
        raise SettingsError(f"Cloudflare's API needs {' and '.join(missing)} in the environment")
    account_id, token = (environment[name] for name in CLOUDFLARE_NAMES)
    return Access(account_id, namespace_id, token, environment.get("CLOUDFLARE_API_BASE_URL") or API_URL)


def _read_workerd() -> Path | None:
    """Where the runtime is for whoever is told nothing else: `serve`, `explore` and the fixtures of pytest."""
    named = os.environ.get(WORKERD_NAME)
    return Path(named) if named else None


class _Found(NamedTuple):
    value: str
    source: str


_Sources = list[tuple[str, Mapping[str, str]]]


def _sources(environment: Mapping[str, str] | None, folder: Path) -> _Sources:
    """What is asked for a key, in this order; the first that has it counts."""
    given = os.environ if environment is None else environment
    return [("environment", given), (DEV_VARS, _dev_vars(folder / DEV_VARS))]


def _first(name: str, sources: _Sources) -> _Found | None:
    return next((_Found(value, source) for source, given in sources if (value := given.get(name))), None)


def _check_that_nobody_else_can_reach(host: str) -> None:
    if not loopback(host):
        resolved(host, 0)
        raise SettingsError(
            f"{host} can be reached from other machines, and no API key is set: set QUEUE_API_KEY and ADMIN_API_KEY "
            "in the "
            f"environment or in {DEV_VARS}, or listen on 127.0.0.1"
        )


def _api_token(host: str, sources: _Sources) -> ApiToken:
    """As the keys; where none is set, on loopback only, one that the operating system's chance makes."""
    if found := _first(API_TOKEN_NAME, sources):
        return ApiToken(_token_named(API_TOKEN_NAME, sources), found.source)
    if not loopback(host):
        return ApiToken()
    return ApiToken("".join(f"{Dice().bits(64, 'token'):016x}" for _ in range(2)))


def _token_named(name: str, sources: _Sources) -> str | None:
    token = _first(name, sources)
    if token is not None and not _TOKEN.fullmatch(token.value):
        raise SettingsError(f"{name} from {token.source} has characters that an HTTP header cannot have")
    return token.value if token else None


def _dev_vars(path: Path) -> Mapping[str, str]:
    if not path.exists():
        return {}
    try:
        return parse_dev_vars(read_small(path, _DEV_VARS_BYTES_MAX).decode())
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"cannot read {path}: {error}") from None
    except SettingsError as error:
        raise SettingsError(f"{path}, {error}") from None
