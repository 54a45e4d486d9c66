"""What both sides are asked to do: operations on a KV binding and moves of the clock, in Python's spelling.

Each is a plain value, so that Hypothesis can shrink it, and can be written out for the Worker (`wire`) and for a
reader (`javascript`).
"""

import base64
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from queue_emulator.core.javascript import UNDEFINED

_JAVASCRIPT = {
    "get_with_metadata": "getWithMetadata",
    "get_bulk": "get",
    "get_bulk_with_metadata": "getWithMetadata",
    "expiration_ttl": "expirationTtl",
    "cache_ttl": "cacheTtl",
}
_SHOWN_UNITS_MAX = 200


@dataclass(frozen=True, slots=True)
class Seconds:
    """Unix seconds: those of the moment in which the operation is done, and some more."""

    after_now: int


@dataclass(frozen=True, slots=True)
class LastCursor:
    """The cursor that the last unfinished list before this operation gave; undefined if there was none."""


@dataclass(frozen=True, slots=True)
class Repeat:
    """A long text, told shortly."""

    text: str
    times: int


@dataclass(frozen=True, slots=True)
class Buffer:
    """Bytes, as one of the kinds that a Worker can put."""

    content: bytes
    kind: str = "ArrayBuffer"


@dataclass(frozen=True, slots=True)
class Operation:
    """One call: `method`, `arguments` and `options` as emulator.kv.binding.Binding has them."""

    method: str
    arguments: tuple[Any, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Advance:
    """The clock goes on by `by_ms`, on both sides."""

    by_ms: int


Step = Operation | Advance


@dataclass(frozen=True, slots=True, repr=False)
class Script:
    """What is done from an empty namespace on. With a `start_ms` both sides' clocks stand there until advanced;
    without one both follow the machine's, and no step is an Advance."""

    steps: Sequence[Step]
    start_ms: int | None = None

    @property
    def operations(self) -> list[Operation]:
        return [step for step in self.steps if isinstance(step, Operation)]

    def __repr__(self) -> str:
        return f"<script of {len(self.steps)} steps>"


def wire(script: Script) -> dict[str, Any]:
    """The script as driver.mjs takes it."""
    steps: list[dict[str, Any]] = []
    now_ms = script.start_ms
    if now_ms is not None:
        steps.append({"at_ms": now_ms})
    for step in script.steps:
        if isinstance(step, Operation):
            method, arguments = _call(step)
            steps.append({"method": method, "arguments": [_tagged(argument) for argument in arguments]})
        else:
            assert now_ms is not None, "the machine's clock cannot be advanced"
            now_ms += step.by_ms
            steps.append({"at_ms": now_ms})
    return {"moves": script.start_ms is not None, "steps": steps}


def javascript(step: Step) -> str:
    """The step as a Worker would have it."""
    if isinstance(step, Advance):
        return f"// {step.by_ms} ms later"
    method, arguments = _call(step)
    return f"await KV.{method}({', '.join(map(_literal, arguments))})"


def _call(operation: Operation) -> tuple[str, list[Any]]:
    """Method and arguments as JavaScript has them: options in one object, a type alone by itself if it can be."""
    method = _JAVASCRIPT.get(operation.method, operation.method)
    options = {_JAVASCRIPT.get(name, name): value for name, value in operation.options.items()}
    if not method.startswith("get"):
        return method, [*operation.arguments, *([options] if options else [])]
    key, *types = operation.arguments
    if not types:
        return method, [key, *([options] if options else [])]
    (type_,) = types
    if not options and not isinstance(type_, (list, dict)):
        return method, [key, type_]
    if type_ is not None and type_ is not UNDEFINED:  # null alone is no type; {type: null} would be the type "null"
        options = {"type": type_, **options}
    return method, [key, options]


def _tagged(value: Any) -> Any:
    match value:
        case Seconds(after_now):
            return {"$": "seconds", "after_now": after_now}
        case LastCursor():
            return {"$": "last cursor"}
        case Repeat(text, times):
            return {"$": "repeat", "text": text, "times": times}
        case Buffer(content, kind):
            return {"$": kind, "base64": base64.b64encode(content).decode()}
        case float() if not math.isfinite(value):
            return {"$": "number", "text": _literal(value)}
        case list() | tuple():
            return [_tagged(item) for item in value]
        case dict():
            return {"$": "object", "members": [[name, _tagged(member)] for name, member in value.items()]}
    return {"$": "undefined"} if value is UNDEFINED else value


def _literal(value: Any) -> str:
    match value:
        case Seconds(after_now):
            return f"now + {after_now}"
        case LastCursor():
            return "lastCursor"
        case Repeat(text, times):
            return f"{json.dumps(text)}.repeat({times})"
        case Buffer(content, kind):
            return f"{kind}.of({', '.join(map(str, content))})"
        case float() if not math.isfinite(value):
            return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
        case list() | tuple():
            return f"[{', '.join(map(_literal, value))}]"
        case dict():
            return "{" + ", ".join(f"{_name(name)}: {_literal(member)}" for name, member in value.items()) + "}"
    return "undefined" if value is UNDEFINED else shortened(json.dumps(value))


def _name(name: str) -> str:
    return name if name.isidentifier() and name.isascii() else f"[{json.dumps(name)}]"


def shortened(text: str) -> str:
    return text if len(text) <= _SHOWN_UNITS_MAX else f"{text[:_SHOWN_UNITS_MAX]}... ({len(text)} characters)"
