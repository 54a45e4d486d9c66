"""The wrangler config near a Worker: which file holds it, and which parts of it this emulator uses.

https://developers.cloudflare.com/workers/wrangler/configuration/ : the top level only, no environments.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from typing import Annotated, TypeAlias, cast

import msgspec

from queue_emulator.core.accounts import id_of
from queue_emulator.core.errors import SettingsError, ShapeError
from queue_emulator.core.javascript import Json
from queue_emulator.core.shapes import shaped
from queue_emulator.core.shown import json_value
from queue_emulator.core.toml_text import parse_toml
from queue_emulator.kv.folder import read_small
from queue_emulator.workerd.jsonc import parse_jsonc

FILE_NAMES = ("wrangler.json", "wrangler.jsonc", "wrangler.toml")  # in wrangler's own order of precedence
_BYTES_MAX = 1 << 20


@dataclass(frozen=True, slots=True)
class WranglerConfig:
    """What was read. `kv` gives each binding the namespace that it is bound to here.

    Bindings of one id share a namespace: it is named after the first of them, so that what is seeded as CACHE is what
    the binding CACHE reads. `ids` gives such a name the id that the config has for it.

    `unserved` gives each binding of another kind its section, `sections` are others that are not served;
    `environments` are the names below `env`.
    """

    path: Path | None = None
    main: Path | None = None
    kv: Mapping[str, str] = field(default_factory=dict)
    ids: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, Json] = field(default_factory=dict)
    compatibility_date: str | None = None
    compatibility_flags: tuple[str, ...] = ()
    unserved: Mapping[str, str] = field(default_factory=dict)
    sections: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()


def find_config(folder: Path) -> Path | None:
    """The config in this folder or the nearest one above it, as wrangler looks for it."""
    return next(filter(None, map(config_in, (folder, *folder.parents))), None)


def config_in(folder: Path) -> Path | None:
    """The config in this folder itself."""
    return next((folder / name for name in FILE_NAMES if (folder / name).is_file()), None)


_Name: TypeAlias = Annotated[str, msgspec.Meta(min_length=1)]


class _Namespace(msgspec.Struct):
    binding: _Name
    id: _Name | None = None
    preview_id: _Name | None = None
    remote: object = None


class _Used(msgspec.Struct):
    """What of a config is used here; wrangler takes null for what is left out."""

    main: str | None = None
    kv_namespaces: list[_Namespace] | None = None
    vars: dict[str, object] | None = None
    compatibility_date: object = None  # TOML has dates of its own, which wrangler refuses and we need not
    compatibility_flags: tuple[str, ...] | None = None
    env: dict[str, object] | None = None


def read_config(path: Path) -> WranglerConfig:
    """Read a config; raises SettingsError naming the file and what is wrong in it."""
    given = _parse(path)
    try:
        used = shaped(given, _Used, an_object="a table")
        bound = used.kv_namespaces or []
        kv, ids = _namespaces(bound)
        variables = _variables(used.vars or {})
    except (ShapeError, ValueError) as error:
        raise SettingsError(f"{path}: {error}") from None
    remote = (f"`remote` of {each.binding}" for each in bound if each.remote)  # which wrangler leads to Cloudflare
    return WranglerConfig(
        path=path,
        main=None if used.main is None else path.parent / used.main,
        kv=kv,
        ids=ids,
        variables=variables,
        compatibility_date=None if used.compatibility_date is None else str(used.compatibility_date),
        compatibility_flags=used.compatibility_flags or (),
        unserved={name: section for section, value in given.items() for name in _bound_by(section, value)},
        sections=(*(section for section in _OTHER_SECTIONS if given.get(section)), *remote),
        environments=tuple(used.env or {}),
    )


def _parse(path: Path) -> dict[str, object]:
    try:
        text = read_small(path, _BYTES_MAX).decode("utf-8-sig")
        given = parse_toml(text) if path.suffix == ".toml" else parse_jsonc(text)
    except (OSError, ValueError, RecursionError) as error:
        raise SettingsError(f"cannot read {path}: {error}") from None
    if not isinstance(given, dict):
        raise SettingsError(f"{path}: must be an object, not {json_value(given)}")
    return given


def _variables(given: dict[str, object]) -> dict[str, Json]:
    """Refuses what JSON cannot hold.

    Wrangler (4.164) refuses a date too. Of nan it makes null, of a date within a table a string: that is for the user
    to write.
    """
    for where, value in _within("vars", given):
        if not isinstance(value, (str, int, float, type(None))):  # a bool is an int
            raise ValueError(f"{where} is the TOML date or time {value}; {_A_VARIABLE}")
        if isinstance(value, float) and not isfinite(value):
            raise ValueError(f"{where} is {value}; {_A_VARIABLE}")
    return cast(dict[str, Json], given)


_A_VARIABLE = "a variable is a string, a finite number, true, false, or an array or a table of these"


def _within(where: str, value: object) -> Iterator[tuple[str, object]]:
    """Everything in a value that is neither an array nor a table, with its place."""
    if isinstance(value, dict):
        for name, each in value.items():
            yield from _within(f"{where}.{name}", each)
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from _within(f"{where}[{number}]", each)
    else:
        yield where, value


def _namespaces(given: Sequence[_Namespace]) -> tuple[dict[str, str], dict[str, str]]:
    """By binding the name of its namespace, and by that name its id. Refuses no binding that wrangler takes.

    The id is what `wrangler dev` (4.164) opens: `preview_id`, else `id`, else the binding's name. It takes any text;
    here one that is no id has one drawn from it.
    """
    by_id: dict[str, str] = {}
    namespaces: dict[str, str] = {}
    for number, each in enumerate(given):
        if each.binding in namespaces:
            raise ValueError(f"kv_namespaces[{number}] binds {each.binding} a second time")
        id = each.preview_id or each.id or each.binding
        namespaces[each.binding] = by_id.setdefault(id, each.binding)
    return namespaces, {name: id_of(id) for id, name in by_id.items()}


_OTHER_SECTIONS = (
    "triggers", "assets", "site", "tail_consumers", "build", "define", "alias", "rules", "pages_build_output_dir",
    "secrets",
)  # fmt: skip
_NO_OTHER_BINDINGS = ("alias", "define", "env", "exports", "kv_namespaces", "previews", "vars")
_OF_FILES = ("data_blobs", "text_blobs", "wasm_modules")
_BY_NAME = ("durable_objects", "logfwdr", "ratelimits", "send_email", "unsafe")  # all others say `binding`


def _bound_by(section: str, value: object) -> Iterator[str]:
    """The bindings of a section that is not served, also of one that wrangler has yet to learn."""
    if section in _OF_FILES and isinstance(value, dict):
        yield from value
    elif section not in _NO_OTHER_BINDINGS:
        yield from _named(value, "name" if section in _BY_NAME else "binding")


def _named(value: object, member: str) -> Iterator[str]:
    if isinstance(value, dict) and isinstance(value.get(member), str):
        yield value[member]
    elif isinstance(value, (dict, list)):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _named(each, member)
