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


def read_keys(host: str, *, environment: Mapping[str, str] | None = None, folder: Path = Path()) -> KeySource:
    """The keys from the environment, else from `.dev.vars` in `folder`, else, on loopback only, development keys.

    Raises SettingsError where an address that others can reach would be opened with keys that everybody knows.
    """
    environment = os.environ if environment is None else environment
    from_file = _dev_vars(folder / DEV_VARS)
    values: dict[str, str] = {}
    sources: dict[str, str] = {}
    for name in KEY_NAMES:
        for source, found in (("environment", environment.get(name)), (DEV_VARS, from_file.get(name))):
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
