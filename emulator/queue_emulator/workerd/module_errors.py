"""What to do about a module that the runtime does not find: it tells the name it looked for, not the one written."""

import os
import re
from collections.abc import Sequence

from queue_emulator.workerd.bindings import BUNDLE_FIRST, RUN_INSTEAD
from queue_emulator.workerd.modules import KINDS, Module

_UNKNOWN = re.compile(r'(?:No such module|Invalid module specifier) "([^"]+)"\.\s+imported from "([^"]+)"')
_QUOTED = re.compile(r"""(["'`])([^"'`\n]+)\1""")
_OF_THE_TOOL = ("cloudflare:", "cloudflare-internal:")
_NODE = "Node.js modules need --compatibility-flag nodejs_compat; workerd does not have all of them"


def advice(why: str, modules: Sequence[Module]) -> str | None:
    """What to do, if `why` is the runtime's complaint of a module; `modules` are those it was given."""
    unknown = _UNKNOWN.search(why)
    if unknown is None:
        return None
    importer = next((each for each in modules if each.name == unknown[2]), None)
    written = unknown[1] if importer is None else _as_written(unknown[1], importer)
    if written.startswith("node:"):
        return _NODE
    if written.startswith(_OF_THE_TOOL):
        return f"{_of_the_tool(written)} is a module that wrangler adds to the runtime. With it: {RUN_INSTEAD}"
    if importer is None or not written.startswith(("./", "../")):
        return f"{written} is not a relative path; packages are not supported: {BUNDLE_FIRST}"
    return _about_file(written, importer)


def _of_the_tool(name: str) -> str:
    return f"cloudflare:{name.partition(':')[2]}"


def _as_written(name: str, importer: Module) -> str:
    """The runtime tells even a package's name as a path from the folder of its importer."""
    folder = os.path.dirname(importer.name)  # noqa: PTH120 - a name, not a path
    text = importer.path.read_text("utf-8", "replace")
    named = (match[2] for match in _QUOTED.finditer(text))
    return next((each for each in named if name in (each, os.path.normpath(os.path.join(folder, each)))), name)  # noqa: PTH118


def _about_file(written: str, importer: Module) -> str:
    path = importer.path.parent / written.partition("?")[0]
    shown = os.path.normpath(path)
    if not path.is_file():
        unended = "" if path.suffix else f", and file endings are not added: {BUNDLE_FIRST}"
        return f"there is no file {shown}{unended}"
    if path.suffix in KINDS:
        return f"{written} is not the plain form of the path {shown}: {BUNDLE_FIRST}"
    return f"{shown} cannot be imported; files that can: {' '.join(KINDS)}: {BUNDLE_FIRST}"
