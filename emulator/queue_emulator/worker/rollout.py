"""Which version of the Worker answers a request, where several do: by location, or by a share of all requests.

As in a gradual deployment at Cloudflare each request is drawn, unless it has a key: then the key decides, the same way
each time, and whose key has come to the second version stays there while its share grows. A request can also ask for a
version that is deployed, with a share of 0 too; what cannot be understood, or is not deployed, is no such wish.
https://developers.cloudflare.com/workers/versions-and-deployments/gradual-deployments/version-affinity/ (2026-11-30)
https://developers.cloudflare.com/workers/versions-and-deployments/version-overrides/ (2026-11-30)
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from queue_emulator.core.dice import Dice
from queue_emulator.core.errors import SettingsError
from queue_emulator.core.javascript import ToJson
from queue_emulator.core.places import location_code
from queue_emulator.worker.versions import WorkerVersion

VERSION_KEY_HEADER = "Cloudflare-Workers-Version-Key"
VERSION_OVERRIDES_HEADER = "Cloudflare-Workers-Version-Overrides"
DEFAULT_VERSION = WorkerVersion.NEW.value
_KEY, _OVERRIDES = VERSION_KEY_HEADER.lower().encode(), VERSION_OVERRIDES_HEADER.lower().encode()
_VERSIONS = tuple(each.value for each in WorkerVersion)
# A dictionary of strings, RFC 8941, section 3.2. Its keys are names of Workers: here is one, whatever it is called.
_MEMBER = re.compile(r'[a-z*][a-z0-9_.*-]*="([ !#-\[\]-~]*)"')


_NAME = re.compile(r"\w{1,32}")


class Wish(NamedTuple):
    """What a request says of the version that is to answer it: a key that decides, or the version's name."""

    key: str | None = None
    version: str | None = None


def wish(headers: Iterable[tuple[bytes, bytes]]) -> Wish:
    """What a request's headers say, their names in lower case."""
    key = version = None
    for name, value in headers:
        if name == _KEY and key is None:
            key = value.decode("latin-1")
        elif name == _OVERRIDES and version is None:
            members = [_MEMBER.fullmatch(each.strip(" \t")) for each in value.decode("latin-1").split(",")]
            version = members[0][1] if members[0] and all(members) else None
    return Wish(key, version)


@dataclass(frozen=True, slots=True)
class Rollout:
    """`at` gives locations a version of their own, `default` is that of the others.

    `second` answers so many of 100 requests, and `default` the others.
    """

    default: str = DEFAULT_VERSION
    at: Mapping[str, str] = field(default_factory=dict)
    second: tuple[str, int] | None = None

    def version(self, location: str, wish: Wish, request: int, dice: Dice) -> str:
        """Of a request, which is the so manieth."""
        if wish.version in self.deployed:
            return wish.version
        if self.second is None:
            return self.at.get(location, self.default)
        version, share = self.second
        drawn = dice.below(100, "version", request) if wish.key is None else dice.below(100, "version key", wish.key)
        return version if drawn < share else self.default

    @property
    def deployed(self) -> tuple[str, ...]:
        """All versions that can answer."""
        second = () if self.second is None else (self.second[0],)
        return tuple(dict.fromkeys((self.default, *self.at.values(), *second)))

    def shares(self, locations: Sequence[str]) -> list[ToJson]:
        """Each version with its share of 100 requests, or with the locations that are its own."""
        if self.second is not None:
            version, share = self.second
            return [{"name": self.default, "share": 100 - share}, {"name": version, "share": share}]
        answers = {code: self.at.get(code, self.default) for code in locations}
        return [
            {"name": name, "locations": [code for code, version in answers.items() if version == name]}
            for name in self.deployed
        ]

    def __str__(self) -> str:
        if self.second is not None:
            version, share = self.second
            return f"Worker versions {self.default} ({100 - share} %) and {version} ({share} %)"
        others = [f"{version} at {location}" for location, version in self.at.items()]
        return "Worker version " + ", ".join([self.default, *others])


def rollout(
    versions: Sequence[str], split: str | None, locations: Sequence[str], known: Sequence[str] = _VERSIONS
) -> Rollout:
    """As the options `--worker-version` and `--split` say it, of the versions there are; raises SettingsError."""
    if split is not None:
        if versions:
            raise SettingsError("--split divides the requests of all locations: leave --worker-version out")
        return _divided(split, known)
    default: str | None = None
    at: dict[str, str] = {}
    for each in versions:
        location, equals, name = each.rpartition("=")
        if not equals:
            if default is not None:
                raise SettingsError(f"--worker-version is given twice for all locations: {default} and {name}")
            default = _version(name, known)
            continue
        code = location_code(location, "--worker-version")
        if code not in locations:
            raise SettingsError(
                f"--worker-version {each}: this emulator has {', '.join(locations)}; add --location {code}"
            )
        if code in at:
            raise SettingsError(f"--worker-version is given twice for {code}")
        at[code] = _version(name, known)
    return Rollout(default or DEFAULT_VERSION, at)


def version_paths(given: Sequence[str]) -> dict[str, Path]:
    """The builds of a Worker by the names of their versions, from `--version NAME=PATH`; raises SettingsError."""
    paths: dict[str, Path] = {}
    for each in given:
        name, _, path = each.partition("=")
        if not path or not _NAME.fullmatch(name):
            raise SettingsError(f"--version takes NAME=PATH, a name of letters and digits, not {each!r}")
        if name == DEFAULT_VERSION:
            raise SettingsError(f"--version {each}: {name} is the version of --worker; choose another name")
        if name in paths:
            raise SettingsError(f"--version is given twice for {name}")
        paths[name] = Path(path)
    return paths


def _divided(split: str, known: Sequence[str]) -> Rollout:
    parts = [part.partition("=") for part in split.split(",")]
    names, shares = [name for name, _, _ in parts], [share for _, _, share in parts]
    whole = all(share.isascii() and share.isdigit() and len(share) < 4 for share in shares)
    if len(set(names)) != 2 or len(parts) != 2 or not whole or sum(map(int, shares)) != 100:
        raise SettingsError(f"--split takes two versions whose shares add up to 100, as old=90,new=10, not {split!r}")
    first, second = (_version(name, known) for name in names)
    return Rollout(first, second=(second, int(shares[1])))


def _version(name: str, known: Sequence[str]) -> str:
    if name not in known:
        raise SettingsError(f"unknown version {name!r} of the Worker; there are {', '.join(known)}")
    return name
