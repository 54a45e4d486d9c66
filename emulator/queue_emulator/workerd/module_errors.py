"""What to do about a module that the runtime does not find: it tells the name it looked for, not the one written.

workerd of up to the summer of 2026 names the importer as well; newer ones give the URL of the module alone.
"""

import os
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple
from urllib.parse import urljoin

from queue_emulator.workerd.bindings import BUNDLE_FIRST, RUN_INSTEAD
from queue_emulator.workerd.modules import CODE, KINDS, Module
from queue_emulator.workerd.stopped import WorkerNotStarted
from queue_emulator.workerd.wrapping import ENTRYPOINT

_OLD = re.compile(
    r'(?:No such module|Invalid module specifier) "([^"\n]+)"\.\s+(?:imported from "([^"\n]+)"|at (\S+?):\d+:\d+)'
)
_NEW = re.compile(r"Module not found: ([^\n]+)")
_NO_ENTRYPOINT = "Incorrect type for map entry"  # an export that is neither a handler nor a class
_BUNDLE = "file:///bundle/"  # where newer ones have all modules
_QUOTED = re.compile(r"""(["'`])([^"'`\n]+)\1""")
_OF_THE_TOOL = ("cloudflare:", "cloudflare-internal:")
_NODE = "Node.js modules need --compatibility-flag nodejs_compat; workerd does not have all of them"


def explained(error: WorkerNotStarted, modules: Sequence[Module]) -> WorkerNotStarted:
    """Of a Worker of these modules: without complaints that follow from it, and with what to do if that is known.

    Newer runtimes complain as well that a Worker that does not start has not the entrypoint at which it is told the
    time.
    """
    why = "\n".join(line for line in str(error).splitlines() if ENTRYPOINT not in line)
    return WorkerNotStarted("\n".join(filter(None, (why, advice(why, modules)))))


def advice(why: str, modules: Sequence[Module]) -> str | None:
    """What to do, if `why` is the runtime's complaint of a module or an export; `modules` are those it was given."""
    if _NO_ENTRYPOINT in why and b"addEventListener" in b"".join(each.path.read_bytes() for each in modules):
        return f"it listens and exports: wrangler makes one script of that, of the older format: {BUNDLE_FIRST}"
    unknown = _unknown(why, modules)
    if unknown is None:
        return None
    written, importer = unknown
    if written.startswith("node:"):
        return _NODE
    if written.startswith(_OF_THE_TOOL):
        return f"{_of_the_tool(written)} is a module that wrangler adds to the runtime. With it: {RUN_INSTEAD}"
    if importer is None or not written.startswith(("./", "../")):
        return f"{written} is not a relative path; packages are not supported: {BUNDLE_FIRST}"
    return _about_file(written, importer)


class _Unknown(NamedTuple):
    """A module as it is written where it is imported; there may be several such places, and none may be found."""

    written: str
    importer: Module | None


def _unknown(why: str, modules: Sequence[Module]) -> _Unknown | None:
    if old := _OLD.search(why):
        importer = next((each for each in modules if each.name == (old[2] or old[3])), None)
        return _Unknown(old[1] if importer is None else _as_written(old[1], importer), importer)
    if new := _NEW.search(why):
        return next(_naming(new[1], modules), _Unknown(new[1].removeprefix(_BUNDLE), None))
    return None


def _naming(url: str, modules: Sequence[Module]) -> Iterator[_Unknown]:
    """Where a module is named that is looked for there; `require` is told as it is written."""
    for importer in modules:
        if KINDS.get(importer.path.suffix) in CODE:
            for written in _quoted(importer):
                if url in (written, urljoin(_BUNDLE + importer.name, written)):
                    yield _Unknown(written, importer)


def _quoted(importer: Module) -> Iterator[str]:
    return (match[2] for match in _QUOTED.finditer(importer.path.read_text("utf-8", "replace")))


def _of_the_tool(name: str) -> str:
    return f"cloudflare:{name.partition(':')[2]}"


def _as_written(name: str, importer: Module) -> str:
    """The runtime tells even a package's name as a path from the folder of its importer."""
    folder = os.path.dirname(importer.name)  # noqa: PTH120 - a name, not a path
    as_told = ((each, os.path.normpath(os.path.join(folder, each))) for each in _quoted(importer))  # noqa: PTH118
    return next((each for each, path in as_told if name in (each, path)), name)


def _about_file(written: str, importer: Module) -> str:
    path = importer.path.parent / written.partition("?")[0]
    shown = os.path.normpath(path)
    if not path.is_file():
        unended = "" if path.suffix else f", and file endings are not added: {BUNDLE_FIRST}"
        return f"there is no file {shown}{unended}"
    if path.suffix in KINDS:
        return f"{written} is not the plain form of the path {shown}: {BUNDLE_FIRST}"
    return f"{shown} cannot be imported; files that can: {' '.join(KINDS)}: {BUNDLE_FIRST}"
