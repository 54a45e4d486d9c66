"""Open a target by what it is called: started here for as long as the block runs, or reached at its address."""

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx
from jsonschema_rs import Draft202012Validator, ValidationError

from queue_contracts.json_values import fields, items, parse_json, text
from queue_contracts.names import ADMIN_KEY, KINDS, QUEUE_KEY
from queue_contracts.packaged import reference_worker
from queue_contracts.targets.addresses import TargetError, check_address, check_keys, origin_of, rest_api
from queue_contracts.targets.serving import Serving, running_emulator
from queue_contracts.targets.storage import CONTROL_PREFIX
from queue_contracts.targets.target import LOCAL, Ability, Target
from queue_contracts.targets.workerd import named_workerd
from queue_contracts.untrusted.bounded import Unreadable
from queue_contracts.untrusted.deadline import open_client
from queue_contracts.untrusted.visible import one_line

_CONTROLLED = Draft202012Validator(
    {
        "type": "object",
        "required": ["locations", "profile"],
        "properties": {
            "locations": {"type": "array", "items": {"type": "string", "pattern": "^[A-Za-z0-9-]{1,32}$"}},
            "profile": {"type": "string"},
        },
    }
)

_RUNNING: dict[Path, Target] = {}  # by the folder of the Worker


@contextmanager
def open_target(
    target: str,
    *,
    worker: Path | None = None,
    workerd: Path | None = None,
    control: bool = False,
    locations: tuple[str, ...] = (),
    options: tuple[str, ...] | None = None,
    keys: Mapping[str, str] | None = None,
) -> Iterator[Target]:
    """`emulator`, `workerd`, or the URL of a deployment, whose keys are in the environment.

    `worker` is the main module or the folder of a Worker for `workerd` (default: the reference Worker), `workerd` the
    binary (default: what WORKERD names, else what the emulator finds). `options` are further ones of `queue-emulator
    serve` (default: `--profile local`), `keys` the only ones that its Worker has (default: one made for each scope).
    `control` says that the URL is an emulator's: use its control surface.
    """
    if target not in KINDS:
        yield deployed_target(target, control=control)
        return
    if target == "workerd":
        worker = worker or reference_worker()
        if not worker.exists():
            raise TargetError(f"there is no Worker at {worker}")
        workerd = named_workerd(workerd, os.environ)
    elif worker is not None:
        raise TargetError("--worker works only with the target workerd")
    options = ("--profile", "local") if options is None else options
    serving = Serving(target, worker, workerd, locations, options, keys)
    with (
        tempfile.TemporaryDirectory(prefix=f"queue-contracts-{target}-") as folder,
        running_emulator(Path(folder), serving) as running,
    ):
        yield running


@contextmanager
def already_running(worker: Path, target: Target) -> Iterator[None]:
    """While the block runs, a run of the suite in this process that names this Worker need not start it."""
    _RUNNING[worker] = target
    try:
        yield
    finally:
        del _RUNNING[worker]


def running_with(worker: Path) -> Target | None:
    """The target that runs this Worker already, if one does."""
    return _RUNNING.get(worker)


def deployed_target(url: str, *, control: bool = False) -> Target:
    """What answers at a URL, with keys and the way into its KV from the environment. Raises TargetError."""
    check_address(url)
    if not os.environ.get(QUEUE_KEY):
        raise TargetError(f"the API key of the queue is not set: set {QUEUE_KEY} (and {ADMIN_KEY})")
    check_keys(os.environ)
    rest = rest_api(os.environ)
    origin = origin_of(url)
    abilities, locations = _controlled(origin) if control else (frozenset[Ability](), ())
    if rest is not None:
        abilities |= {Ability.SEED, Ability.INSPECT}
    keys = os.environ[QUEUE_KEY], os.environ.get(ADMIN_KEY, "")
    return Target(origin, *keys, abilities, origin.partition("://")[2], locations, rest)


def _controlled(origin: str) -> tuple[frozenset[Ability], tuple[str, ...]]:
    """What an emulator says of itself; one that behaves as production does has no write seen, or repeated, at once."""
    try:
        with open_client(guarded=False) as http:
            status = fields(parse_json(http.get(f"{origin}{CONTROL_PREFIX}/status").content))
        _CONTROLLED.validate(status)
        locations, profile = tuple(map(text, items(status["locations"]))), status["profile"]
    except httpx.HTTPError as error:
        raise TargetError(one_line(f"{origin} does not answer: {error}")) from None
    except Unreadable as why:
        raise TargetError(f"the answer of {origin} to GET {CONTROL_PREFIX}/status cannot be read: {why}") from None
    except (ValueError, ValidationError):
        raise TargetError(f"{origin} has no emulator controls: leave --control out") from None
    missing = {Ability.DISPOSABLE, Ability.WORKER_CLOCK, Ability.OTHER_KEYS}
    if profile != "local":
        missing |= {Ability.AT_ONCE}
    return LOCAL - missing, locations if len(locations) > 1 else ()
