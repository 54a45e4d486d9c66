"""The config that workerd is started with: Cap'n Proto text, one Worker service and one socket a location.

Schema: https://github.com/cloudflare/workerd/blob/main/src/workerd/server/workerd.capnp
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from queue_emulator.core.wire_names import LOCATION_HEADER
from queue_emulator.workerd.modules import SERVICE_WORKER, Module
from queue_emulator.workerd.wrapping import CONSOLE, console_module

NAMESPACE_HEADER = "X-Emulator-Namespace"
OUTBOUND = "outbound"  # as a namespace, of what is none: a request that the Worker itself makes
OUR_MODULES = ("tail.mjs", "cache.mjs")
CF_HEADER = "X-Emulator-Cf"  # carries `request.cf`; no client's header of this name gets that far


@dataclass(frozen=True, slots=True)
class Layout:
    """What one workerd process is to run. `variables` are JSON texts by name; `kv_socket` is where it asks KV.

    With `clocks` each location has a second socket, by which its Worker is told the time: at `clock_entrypoint`, if
    there is one.
    `tail_mark` begins what our tail writes on the console that it shares with the Worker; "" for no tail.
    `console_mark` and the location begin each line on the console of a Worker that has `clock_entrypoint`; "" for none.
    `variables_at` are those that one location has of its own. `outbound`: whether the Worker's own requests, as
    `fetch` makes them, come to `kv_socket` too, instead of the network.
    """

    modules: Sequence[Module]
    locations: Sequence[str]
    kv: Mapping[str, str]
    kv_socket: Path
    variables: Mapping[str, str]
    compatibility_date: str
    compatibility_flags: Sequence[str]
    tail_mark: str
    clocks: bool = True
    clock_entrypoint: str | None = None
    console_mark: str = ""
    variables_at: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    outbound: bool = False


def config_text(layout: Layout) -> str:
    """The config; on workerd's import path lie OUR_MODULES, and module number i as `module-i`."""
    namespaces = list(dict.fromkeys(layout.kv.values()))
    services = [
        '(name = "tail", worker = .tail)',
        '(name = "cache", worker = .cache)',
        *(_worker(layout, location, namespaces) for location in layout.locations),
        *(_namespace(layout, location, each, namespaces) for location in layout.locations for each in namespaces),
        *(_outbound(layout, location) for location in layout.locations if layout.outbound),
    ]
    sockets = [
        f"(name = {_text(each)}, http = (cfBlobHeader = {_text(CF_HEADER)}), service = {_text(_worker_name(each))})"
        for each in layout.locations
    ] + [_clock(each, layout.clock_entrypoint) for each in layout.locations if layout.clocks]
    return _CONFIG.format(services=",\n    ".join(services), sockets=",\n    ".join(sockets))


def clock_socket(location: str) -> str:
    """The name of the socket by which the Worker at a location is told the time; no location has a dot."""
    return f"{location}.clock"


def _clock(location: str, entrypoint: str | None) -> str:
    at = "" if entrypoint is None else f", entrypoint = {_text(entrypoint)}"
    return (
        f"(name = {_text(clock_socket(location))}, http = (), service = (name = {_text(_worker_name(location))}{at}))"
    )


def _worker(layout: Layout, location: str, namespaces: list[str]) -> str:
    variables = {**layout.variables, **layout.variables_at.get(location, {})}
    bindings = (
        *(
            f"(name = {_text(name)}, kvNamespace = {_text(_kv_name(location, namespaces.index(namespace)))})"
            for name, namespace in layout.kv.items()
        ),
        *(f"(name = {_text(name)}, json = {_text(value)})" for name, value in variables.items()),
    )
    props = _text(json.dumps({"location": location, "mark": layout.tail_mark}))
    tails = f'(name = "tail", props = (json = {props}))' if layout.tail_mark else ""
    outbound = f"globalOutbound = {_text(_outbound_name(location))}," if layout.outbound else ""
    return f"""(name = {_text(_worker_name(location))}, worker = (
      {_code(layout, location)},
      cacheApiOutbound = "cache", {outbound}
      compatibilityDate = {_text(layout.compatibility_date)},
      compatibilityFlags = [{", ".join(map(_text, layout.compatibility_flags))}],
      bindings = [{", ".join(bindings)}],
      tails = [{tails}]))"""


def _code(layout: Layout, location: str) -> str:
    if layout.modules[0].kind == SERVICE_WORKER:
        return f'{SERVICE_WORKER} = embed "/module-0"'
    embedded = [
        f"(name = {_text(module.name)}, {module.kind} = embed {_text(f'/module-{number}')})"
        for number, module in enumerate(layout.modules)
    ]
    if layout.clock_entrypoint is not None:
        console = console_module(layout.console_mark + location) if layout.console_mark else ""
        embedded.append(f"(name = {_text(CONSOLE)}, esModule = {_text(console)})")
    return f"modules = [{', '.join(embedded)}]"


def _namespace(layout: Layout, location: str, namespace: str, namespaces: list[str]) -> str:
    """What a connection speaks for is fixed here: the Worker cannot set these headers."""
    number = namespaces.index(namespace)
    return _external(layout, _kv_name(location, number), ((LOCATION_HEADER, location), (NAMESPACE_HEADER, str(number))))


def _outbound(layout: Layout, location: str) -> str:
    return _external(layout, _outbound_name(location), ((LOCATION_HEADER, location), (NAMESPACE_HEADER, OUTBOUND)))


def _external(layout: Layout, name: str, injected: Sequence[tuple[str, str]]) -> str:
    headers = ", ".join(f"(name = {_text(header)}, value = {_text(value)})" for header, value in injected)
    address = _text(f"unix:{layout.kv_socket}")
    return f"(name = {_text(name)}, external = (address = {address}, http = (injectRequestHeaders = [{headers}])))"


def _worker_name(location: str) -> str:
    return f"worker-{location}"


def _outbound_name(location: str) -> str:
    return f"outbound-{location}"


def _kv_name(location: str, number: int) -> str:
    return f"kv-{number}-{location}"


def _text(value: str) -> str:
    """A literal: everything that is not plain ASCII as an escaped byte of its UTF-8."""
    kept = (chr(byte) if 0x20 <= byte < 0x7F and byte not in b'"\\' else f"\\x{byte:02x}" for byte in value.encode())
    return f'"{"".join(kept)}"'


_CONFIG = """using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  logging = (structuredLogging = true),
  services = [
    {services}
  ],
  sockets = [
    {sockets}
  ],
);

const tail :Workerd.Worker = (
  modules = [(name = "tail.mjs", esModule = embed "/tail.mjs")],
  compatibilityDate = "2024-09-23",
);

const cache :Workerd.Worker = (
  modules = [(name = "cache.mjs", esModule = embed "/cache.mjs")],
  compatibilityDate = "2024-09-23",
);
"""
