"""What is put around a Worker so that its `Date` shows the emulator's clock; its own files stay as they are.

Of modules another main module, which sets `Date` before it imports the Worker's own, and has one more entrypoint by
which it is told the time. A script of the older format, which imports nothing, gets the same before its first line.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from queue_emulator.workerd.modules import SERVICE_WORKER, Module

ENTRYPOINT = "queueEmulatorClock"
CLOCK_HEADER = "X-Emulator-Clock"
CONSOLE = "queue-emulator-console.mjs"  # which is another one at each location
_MAIN, _DATE = "queue-emulator-main.mjs", "queue-emulator-date.mjs"
_MODULE = """const setDate = {date};
export const {entrypoint} = {{
  fetch(request) {{
    setDate(request.headers.get({header}));
    return new Response(null, {{ status: 204 }});
  }},
}};
"""
_MAIN_MODULE = """import "./{console}";
import {{ {entrypoint} }} from "./{date}";
export {{ {entrypoint} }};
export * from {worker};
export {{ default }} from {worker};
"""
# The first listener that answers has the request, so that the Worker's own do not see it.
_LISTENER = (
    '{strict}addEventListener("fetch", ((setDate, sign) => (event) => {{ '
    "const told = event.request.headers.get({header}) ?? ''; "
    "if (told.startsWith(sign)) {{ setDate(told.slice(sign.length)); "
    "event.respondWith(new Response(null, {{ status: 204 }})); event.stopImmediatePropagation(); }} "
    "}})({date}, {sign})); "
)
# Possessive: no second way is looked for through what was read, which would take for ever after many comments.
_STRICT = re.compile(rb"""\s*+(?:(?://[^\n]*+\n|/\*(?:[^*]++|\*(?!/))*+\*/)\s*+)*+["']use strict["']""")


@dataclass(frozen=True, slots=True)
class Wrapped:
    """The modules with what is around them.

    entrypoint  where they are told the time; None: where every request goes
    sign        what begins what they are told
    """

    modules: Sequence[Module]
    entrypoint: str | None
    sign: str


def wrapped(modules: Sequence[Module], folder: Path, sign: str) -> Wrapped | None:
    """What is around is written into a folder; None for a Worker that cannot be wrapped.

    `sign` is for a script of the older format, which its clients reach as well: nobody else knows it.
    """
    main = modules[0]
    if main.kind == SERVICE_WORKER:
        script = folder / "script.js"
        script.write_bytes(_listener(main.path.read_bytes(), sign) + main.path.read_bytes())
        return Wrapped([Module(main.name, main.kind, script)], None, sign)
    if main.kind != "esModule" or b"default" not in main.path.read_bytes():
        return None
    names = {"entrypoint": ENTRYPOINT, "header": json.dumps(CLOCK_HEADER)}
    texts = {
        _MAIN: _MAIN_MODULE.format(console=CONSOLE, date=_DATE, worker=json.dumps(f"./{main.name}"), **names),
        _DATE: _MODULE.format(date=_date(), **names),
    }
    for name, text in texts.items():
        (folder / name).write_text(text, "utf-8")
    ours = (Module(name, "esModule", folder / name) for name in texts)
    return Wrapped([*ours, *modules], ENTRYPOINT, "")


def console_module(sign: str) -> str:
    """What begins each line of a Worker's console with a sign."""
    text = files("queue_emulator.workerd").joinpath("console.js").read_text("utf-8")
    return f"const SIGN = {json.dumps(sign)};\n{text}"


def _listener(script: bytes, sign: str) -> bytes:
    """In one line, so that the lines of the Worker's own code keep their numbers but for the first one's columns."""
    strict = '"use strict"; ' if _STRICT.match(script) else ""
    lines = (line.strip() for line in _date().splitlines())
    date = " ".join(line for line in lines if not line.startswith("//"))
    header = json.dumps(CLOCK_HEADER)
    return _LISTENER.format(strict=strict, header=header, date=date, sign=json.dumps(sign)).encode()


def _date() -> str:
    return files("queue_emulator.workerd").joinpath("date.js").read_text("utf-8").strip()
