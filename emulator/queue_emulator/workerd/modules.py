"""The modules of a Worker: the main one, and every file that it names by a relative path, directly or not.

What a file is goes by its extension, as with wrangler:
https://developers.cloudflare.com/workers/wrangler/bundling/
"""

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from queue_emulator.core.errors import SettingsError, StateError
from queue_emulator.kv.folder import read_small
from queue_emulator.workerd.sign_of_module import is_module
from queue_emulator.workerd.stopped import WorkerNotStarted

# By extension, the word that workerd's config has for it.
KINDS = {
    ".mjs": "esModule",
    ".js": "esModule",
    ".cjs": "commonJsModule",
    ".json": "json",
    ".txt": "text",
    ".html": "text",
    ".sql": "text",
    ".bin": "data",
    ".wasm": "wasm",
}
SERVICE_WORKER = "serviceWorkerScript"
CODE = ("esModule", "commonJsModule")
_BYTES_MAX = 1 << 27  # of a module; Cloudflare takes 64 MB of all of them
# Every string that looks like a relative path, whether imported statically, dynamically or not at all: a file too
# many does no harm, and no JavaScript parser is needed. `?module` is how some bundlers import WebAssembly.
_RELATIVE = re.compile(r"""(["'`])(\.{1,2}/[^"'`\s\\$?]+)(\?module)?\1""")


@dataclass(frozen=True, slots=True)
class Module:
    """One module: the name it is imported by, what it is, and where its content lies."""

    name: str
    kind: str
    path: Path


def find_modules(main: Path) -> list[Module]:
    """The modules, the main one first; raises SettingsError for a file that cannot be read.

    Names are paths from the folder that holds them all, so that imports from folders above work too.
    """
    found = {(_normal(main), ""): None}
    waiting = [_normal(main)]
    while waiting:
        path = waiting.pop()
        for named in _named_in(path):
            if named not in found:
                found[named] = None
                if KINDS[named[0].suffix] in CODE:
                    waiting.append(named[0])
    base = Path(os.path.commonpath([path.parent for path, _ in found]))
    if _is_service_worker(main):
        return [Module(main.name, SERVICE_WORKER, _normal(main))]
    return [Module(path.relative_to(base).as_posix() + query, KINDS[path.suffix], path) for path, query in found]


def require_handler(modules: Sequence[Module]) -> None:
    """Raises WorkerNotStarted if nothing can answer a request: workerd would pass each on to the host that it names.

    A default export needs the word, and so does a listener, wherever it is: what has neither word has neither.
    """
    code = [each.path.read_bytes() for each in modules if each.kind in (*CODE, SERVICE_WORKER)]
    if not re.search(rb"\bdefault\b", code[0]) and not any(b"addEventListener" in each for each in code):
        raise WorkerNotStarted(
            f"the Worker does not start: {modules[0].path} has no default export; "
            "it needs one, as in: export default { fetch(request, env, ctx) { ... } }"
        )


def named_in_code(main: Path, words: Iterable[str]) -> set[str]:
    """Those of the words that stand anywhere in the Worker's modules; raises SettingsError as `find_modules` does."""
    modules = find_modules(main)
    code = [each.path.read_bytes() for each in modules if each.kind in (*CODE, SERVICE_WORKER)]
    return {word for word in words if any(word.encode() in each for each in code)}


def _is_service_worker(main: Path) -> bool:
    """Whether a Worker is of the older format, whose bindings are globals: it listens, and is no module."""
    code = main.read_bytes()
    return b"addEventListener" in code and not is_module(code)


def _named_in(code: Path) -> list[tuple[Path, str]]:
    try:
        text = read_small(code, _BYTES_MAX).decode("utf-8", "replace")
    except OSError as error:
        raise SettingsError(f"cannot read {code}: {error.strerror or error}") from None
    except StateError as error:
        raise SettingsError(f"cannot read the Worker: {error}") from None
    named = ((_normal(code.parent / match[2]), match[3] or "") for match in _RELATIVE.finditer(text))
    return [(path, query) for path, query in named if path.suffix in KINDS and path.is_file()]


def _normal(path: Path) -> Path:
    """Without dot segments, and with symbolic links as they are named."""
    return Path(os.path.normpath(path))
