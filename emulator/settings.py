"""What a run is told: the only reader of the environment and of `.dev.vars`."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dotenv import dotenv_values

from emulator.core.addresses import loopback
from emulator.core.errors import SettingsError
from emulator.core.profiles import CLOUDFLARE, Profile
from emulator.worker.auth import ApiKeys
from emulator.worker.fetch import WorkerVersion
from emulator.workerd.binary import find_binary
from emulator.workerd.bindings import WorkerFlags, WorkerPlan, plan_worker, with_secrets
from emulator.workerd.extra import require_extra

DEV_VARS = ".dev.vars"
DEFAULT_STATE = Path(".queue-emulator") / "state.sqlite"
DEFAULT_HOST, DEFAULT_PORT = "127.0.0.1", 8787  # as wrangler dev
DEFAULT_LOCATION = "SJC"
DEVELOPMENT_KEYS = ApiKeys(queue_api_key="dev-queue-key", admin_api_key="dev-admin-key")

KEY_NAMES = ("QUEUE_API_KEY", "ADMIN_API_KEY", "ASSISTANT_API_KEY")


@dataclass(frozen=True, slots=True)
class KeySource:
    """The Worker's keys, and for each that is configured where it came from."""

    keys: ApiKeys
    sources: dict[str, str]
    development: bool


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """A Worker to run on workerd instead of the Python one; `variables` with its secrets, as JSON texts by name."""

    plan: WorkerPlan
    binary: Path
    variables: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that `serve` is told. `state` None keeps the data in memory only."""

    keys: KeySource
    host: str = DEFAULT_HOST
    port: int = DEFAULT_PORT
    state: Path | None = DEFAULT_STATE
    seeds: tuple[Path, ...] = ()
    profile: Profile = CLOUDFLARE
    locations: tuple[str, ...] = (DEFAULT_LOCATION,)
    worker_version: WorkerVersion = WorkerVersion.NEW
    rate_limit_per_minute: int | None = None
    log_requests: bool = True
    random_seed: int | None = None
    worker: WorkerSettings | None = None


def read_worker(flags: WorkerFlags, *, workerd: Path | None, host: str) -> tuple[WorkerSettings, KeySource]:
    """What to run on workerd, and the keys as for the Python Worker; all of `.dev.vars` is bound as secrets.

    `.dev.vars` lies beside the wrangler config, or the Worker, or in the current directory.
    """
    require_extra()
    plan = plan_worker(flags)
    folder = plan.folder if (plan.folder / DEV_VARS).exists() else Path()
    bound = {name: value for name, value in plan.variables.items() if isinstance(value, str)}
    source = read_keys(host, folder=folder, bound=bound)
    secrets = {name: value for name, value in _dev_vars(folder / DEV_VARS).items() if value is not None}
    keys = (source.keys.queue_api_key, source.keys.admin_api_key, source.keys.assistant_api_key)
    secrets |= {name: key for name, key in zip(KEY_NAMES, keys, strict=True) if key}
    binary = find_binary(workerd, (Path(), plan.main.parent))
    return WorkerSettings(plan, binary, with_secrets(plan, secrets)), source


def read_keys(
    host: str,
    *,
    environment: Mapping[str, str] | None = None,
    folder: Path = Path(),
    bound: Mapping[str, str] | None = None,
) -> KeySource:
    """The keys from the environment, else from `.dev.vars` in `folder`, else, on loopback only, development keys.

    `bound` is what a Worker is bound to anyway, and asked last.
    Raises SettingsError where an address that others can reach would be opened with keys that everybody knows.
    """
    environment = os.environ if environment is None else environment
    from_file = _dev_vars(folder / DEV_VARS)
    values: dict[str, str] = {}
    sources: dict[str, str] = {}
    for name in KEY_NAMES:
        asked = (("environment", environment), (DEV_VARS, from_file), ("a variable", bound or {}))
        for source, found in ((source, given.get(name)) for source, given in asked):
            if found and name not in values:
                values[name], sources[name] = found, source
    if values:
        keys = ApiKeys(*(values.get(name) for name in KEY_NAMES))
        return KeySource(keys, sources, development=False)
    if not loopback(host):
        raise SettingsError(
            f"{host} can be reached by others, and no key is set: set QUEUE_API_KEY and ADMIN_API_KEY in the "
            f"environment or in {DEV_VARS}, or listen on 127.0.0.1"
        )
    return KeySource(DEVELOPMENT_KEYS, {}, development=True)


def _dev_vars(path: Path) -> Mapping[str, str | None]:
    if not path.exists():
        return {}
    try:
        return dotenv_values(path, interpolate=False, encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"cannot read {path}: {error}") from None
