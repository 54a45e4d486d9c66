"""Where wrangler's local state keeps a KV namespace: the files of miniflare, which `wrangler dev` runs.

https://github.com/cloudflare/workers-sdk, packages/miniflare/src/workers/shared/{keyvalue,blob}.worker.ts and data.ts;
the name of a database is that of a Durable Object: workerd, src/workerd/server/actor-id-impl.c++. As of 2026-11.
"""

import hmac
import re
import stat
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

from queue_emulator.core.errors import StateError
from queue_emulator.kv.folder import Folder

# The second is what a running workerd holds open even before it is asked for any key; older ones have no such file.
OBJECTS, ALARMS, BLOBS = "miniflare-KVNamespaceObject", "metadata.sqlite", "blobs"
BLOB_ID = re.compile(rb"[0-9a-f]{80}")  # 32 bytes of chance and 8 of time
_ILLEGAL = re.compile(r"""[?<>*"'^/\\:|\x00-\x1f\x80-\x9f]""")
_DOTS = re.compile(r"(^|/|\\)(\.+)(/|\\|$)")
_WINDOWS_NAMES = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?\Z", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Layout:
    """The files of one namespace below `folder`, which wrangler calls `--persist-to`; by default `.wrangler/state`."""

    folder: Path
    namespace: str

    @property
    def database(self) -> Path:
        """Rows: a key, its blob, expiration and metadata."""
        return kv_folder(self.folder) / OBJECTS / self.database_name

    @property
    def database_name(self) -> str:
        return f"{_object_id(self.namespace)}.sqlite"

    @property
    def blobs(self) -> Path:
        """One file a value, named by its blob id."""
        return kv_folder(self.folder) / self.values_name / BLOBS

    @property
    def values_name(self) -> str:
        """Of the folder that its blobs are in."""
        return _file_name(self.namespace)


@dataclass(frozen=True, slots=True)
class OpenLayout:
    """The folders of a namespace, held open: the last of `databases` has its database, the last of `values` its blobs.

    `values` is empty for a namespace that has none yet.
    """

    databases: tuple[Folder, ...]
    values: tuple[Folder, ...]

    @property
    def objects(self) -> Folder:
        """Where the databases are."""
        return self.databases[-1]

    @property
    def blobs(self) -> Folder | None:
        """Where the values are."""
        return self.values[-1] if self.values else None

    def with_values(self, layout: Layout) -> "OpenLayout":
        """The same with the folders of the values, made if they are not there. Only who has the database makes them."""
        return self if self.values else replace(self, values=_open_values(self.databases[2], layout, make=True))

    def close(self) -> None:
        _close((*self.databases, *self.values))


def open_layout(layout: Layout, *, make: bool = False) -> OpenLayout:
    """Raises StateError if one of the folders is a link, and OSError for what is not there, unless it is to be made.

    The folders of the values are never made here.
    """
    databases: list[Folder] = []
    try:
        databases.append(Folder.open(layout.folder, make=make))
        for name in ("v3", "kv", OBJECTS):
            databases.append(databases[-1].inner(name, make=make))
        kv = databases[2]
        values = _open_values(kv, layout, make=False) if _holds(kv, layout.values_name, BLOBS) else ()
    except BaseException:
        take_back(databases)
        _close(databases)
        raise
    return OpenLayout(tuple(databases), values)


def _open_values(kv: Folder, layout: Layout, *, make: bool) -> tuple[Folder, ...]:
    outer = kv.inner(layout.values_name, make=make)
    try:
        return (outer, outer.inner(BLOBS, make=make))
    except BaseException:
        take_back((outer,))
        _close((outer,))
        raise


def take_back(folders: Sequence[Folder]) -> None:
    """Remove those that opening made, as far as they are empty; innermost first. They stay open."""
    for folder in reversed(folders):
        folder.take_back()


def _close(folders: Sequence[Folder]) -> None:
    for folder in reversed(folders):
        folder.close()


def kv_folder(folder: Path) -> Path:
    return folder / "v3" / "kv"


def find_namespaces(folder: Path) -> list[str]:
    """The ids of the namespaces there, as far as they can be told.

    A database's name is a hash of the id, which is known only from the folder of the values beside it; that one
    replaces some characters. An id with such characters is found by nobody who does not know it.
    """
    try:
        with Folder.open(folder) as root, root.inner("v3") as version, version.inner("kv") as kv:
            return [name for name in kv.names() if _is_namespace(kv, Layout(folder, name))]
    except OSError as error:
        raise StateError(f"cannot read {kv_folder(folder)}: {error.strerror or error}") from None


def _is_namespace(kv: Folder, layout: Layout) -> bool:
    """Whether a folder in `kv` has blobs, and a database that belongs to it."""
    found = kv.look(layout.namespace)
    if found is None or not stat.S_ISDIR(found.st_mode):
        return False
    if layout.namespace != layout.values_name or not _holds(kv, layout.values_name, BLOBS):
        return False
    return _holds(kv, OBJECTS, layout.database_name)


def _holds(kv: Folder, name: str, within: str) -> bool:
    """Whether `kv` has a folder of this name with that in it; raises StateError for a link."""
    if kv.look(name) is None:
        return False
    with kv.inner(name) as inner:
        return inner.look(within) is not None


def _object_id(name: str) -> str:
    key = sha256(OBJECTS.encode()).digest()
    base = hmac.digest(key, name.encode(), "sha256")[:16]
    return (base + hmac.digest(key, base, "sha256")[:16]).hex()


def _file_name(namespace: str) -> str:
    """As miniflare makes a path of an id; the same dots may end one match and begin the next, so twice."""
    name = namespace
    for _ in range(2):
        name = _DOTS.sub(lambda match: match[1] + "_" * len(match[2]) + match[3], name)
    name = _ILLEGAL.sub("_", name)
    if _WINDOWS_NAMES.match(name):
        name = "_"
    head = len(name) - len(name.lstrip(" "))
    name = "_" * head + name[head:]
    tail = len(name) - len(name.rstrip(" "))
    return (name[: len(name) - tail] + "_" * tail)[:255]
