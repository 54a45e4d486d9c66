"""Where wrangler's local state keeps a KV namespace: the files of miniflare, which `wrangler dev` runs.

https://github.com/cloudflare/workers-sdk, packages/miniflare/src/workers/shared/{keyvalue,blob}.worker.ts and data.ts;
the name of a database is that of a Durable Object: workerd, src/workerd/server/actor-id-impl.c++. As of 2026-11.
"""

import hmac
import re
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from queue_emulator.core.errors import StateError

OBJECTS = "miniflare-KVNamespaceObject"
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
        return kv_folder(self.folder) / OBJECTS / f"{_object_id(self.namespace)}.sqlite"

    @property
    def alarms(self) -> Path:
        """What a running workerd holds open even before it is asked for any key; older ones have no such file."""
        return kv_folder(self.folder) / OBJECTS / "metadata.sqlite"

    @property
    def blobs(self) -> Path:
        """One file a value, named by its blob id."""
        return kv_folder(self.folder) / _file_name(self.namespace) / "blobs"


def kv_folder(folder: Path) -> Path:
    return folder / "v3" / "kv"


def find_namespaces(folder: Path) -> list[str]:
    """The ids of the namespaces there, as far as they can be told.

    A database's name is a hash of the id, which is known only from the folder of the values beside it; that one
    replaces some characters. An id with such characters is found by nobody who does not know it.
    """
    try:
        names = sorted(path.name for path in kv_folder(folder).iterdir() if (path / "blobs").is_dir())
    except OSError as error:
        raise StateError(f"cannot read {kv_folder(folder)}: {error.strerror or error}") from None
    return [name for name in names if Layout(folder, name).database.exists()]


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
