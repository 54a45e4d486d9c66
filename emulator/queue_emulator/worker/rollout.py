"""Which version of the Worker answers a request, where several do: by location, or by a share of all requests.

As in a gradual deployment at Cloudflare each request is drawn, unless it has a key: then the key decides, the same way
each time, and whose key has come to the second version stays there while its share grows.
https://developers.cloudflare.com/workers/versions-and-deployments/gradual-deployments/version-affinity/ (2026-11-30)
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from queue_emulator.core.dice import Dice
from queue_emulator.core.errors import SettingsError
from queue_emulator.core.places import location_code
from queue_emulator.worker.fetch import WorkerVersion

VERSION_KEY_HEADER = "Cloudflare-Workers-Version-Key"
_NAMES = tuple(each.value for each in WorkerVersion)
_KNOWN = ", ".join(_NAMES)


@dataclass(frozen=True, slots=True)
class Rollout:
    """`at` gives locations a version of their own, `default` is that of the others.

    `second` answers so many of 100 requests, and `default` the others.
    """

    default: WorkerVersion = WorkerVersion.NEW
    at: Mapping[str, WorkerVersion] = field(default_factory=dict)
    second: tuple[WorkerVersion, int] | None = None

    def version(self, location: str, key: str | None, request: int, dice: Dice) -> WorkerVersion:
        """Of a request, which is the so manieth; `key` is what its header says."""
        if self.second is None:
            return self.at.get(location, self.default)
        version, share = self.second
        drawn = dice.below(100, "version", request) if key is None else dice.below(100, "version key", key)
        return version if drawn < share else self.default

    def __str__(self) -> str:
        if self.second is not None:
            version, share = self.second
            return f"Worker versions {self.default.value} ({100 - share} %) and {version.value} ({share} %)"
        others = [f"{version.value} at {location}" for location, version in self.at.items()]
        return "Worker version " + ", ".join([self.default.value, *others])


def rollout(versions: Sequence[str], split: str | None, locations: Sequence[str]) -> Rollout:
    """As the options `--worker-version` and `--split` say it; raises SettingsError."""
    if split is not None:
        if versions:
            raise SettingsError("--split divides the requests of all locations: leave --worker-version out")
        return _divided(split)
    default: WorkerVersion | None = None
    at: dict[str, WorkerVersion] = {}
    for each in versions:
        location, equals, name = each.rpartition("=")
        if not equals:
            if default is not None:
                raise SettingsError(f"--worker-version is given twice for all locations: {default.value} and {name}")
            default = _version(name)
            continue
        code = location_code(location, "--worker-version")
        if code not in locations:
            raise SettingsError(
                f"--worker-version {each}: this emulator has {', '.join(locations)}; add --location {code}"
            )
        if code in at:
            raise SettingsError(f"--worker-version is given twice for {code}")
        at[code] = _version(name)
    return Rollout(default or WorkerVersion.NEW, at)


def _divided(split: str) -> Rollout:
    parts = [part.partition("=") for part in split.split(",")]
    names, shares = [name for name, _, _ in parts], [share for _, _, share in parts]
    whole = all(share.isascii() and share.isdigit() for share in shares)
    if len(set(names)) != 2 or len(parts) != 2 or not whole or sum(map(int, shares)) != 100:
        raise SettingsError(f"--split takes two versions whose shares add up to 100, as old=90,new=10, not {split!r}")
    first, second = map(_version, names)
    return Rollout(first, second=(second, int(shares[1])))


def _version(name: str) -> WorkerVersion:
    if name not in _NAMES:
        raise SettingsError(f"unknown version {name!r} of the Worker; there are {_KNOWN}")
    return WorkerVersion(name)
