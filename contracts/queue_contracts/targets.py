"""Open a target by what it is called: started here for as long as the block runs, or reached at its address."""

import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
from jsonschema_rs import Draft202012Validator, ValidationError

from queue_contracts.bounded import Unreadable
from queue_contracts.deadline import open_client
from queue_contracts.names import ADMIN_KEY, KINDS, KV_ACCOUNT, KV_API, KV_NAMESPACE, KV_TOKEN, QUEUE_KEY
from queue_contracts.process import Serving, running_emulator
from queue_contracts.storage import CONTROL_PREFIX
from queue_contracts.target import LOCAL, Ability, RestApi, Target
from queue_contracts.visible import one_line

LOOPBACK = ("127.0.0.1", "::1", "localhost")
HOST = re.compile(r"[A-Za-z0-9.:_-]+")
VISIBLE = re.compile(r"[!-~]*")
IDENTIFIER = re.compile(r"[A-Za-z0-9_-]+")
CLOUDFLARE = "https://api.cloudflare.com/client/v4"
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


class TargetError(Exception):
    """A target that was named wrongly; the message says what is allowed."""


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
        named = os.environ.get("WORKERD")
        workerd = workerd or (Path(named) if named else None)
    elif worker is not None:
        raise TargetError("--worker says what workerd runs: name that as the target")
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
        raise TargetError(f"the key of the queue is not in the environment: set {QUEUE_KEY} (and {ADMIN_KEY})")
    _check_keys(os.environ)
    rest = _rest_api(os.environ)
    origin = origin_of(url)
    abilities, locations = _controlled(origin) if control else (frozenset[Ability](), ())
    if rest is not None:
        abilities |= {Ability.SEED, Ability.INSPECT}
    keys = os.environ[QUEUE_KEY], os.environ.get(ADMIN_KEY, "")
    return Target(origin, *keys, abilities, origin.partition("://")[2], locations, rest)


def check_address(url: str) -> None:
    """Raises TargetError for what is no address of a target, or none to send a key to."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        well_formed = parts.port != 0 and HOST.fullmatch(host) is not None and VISIBLE.fullmatch(url) is not None
        # As it is looked up, and as httpx reads it: neither may fail in the middle of a request.
        host.encode("idna")
        httpx.URL(host=host).host  # noqa: B018
    except (ValueError, httpx.InvalidURL):
        raise TargetError("a target is https://HOST or https://HOST:PORT; what was given is no such address") from None
    if parts.username or parts.password or "@" in parts.netloc:
        raise TargetError(f"a URL must not carry a password; put the keys into {QUEUE_KEY} and {ADMIN_KEY}")
    # Whoever puts a key behind the path must not see it again in a log.
    behind = "…" if parts.query or parts.fragment else ""
    if parts.scheme not in ("http", "https") or not well_formed or parts.path not in ("", "/") or behind:
        shown = re.split("[?#]", url)[0] + behind
        raise TargetError(f"a target is {', '.join(KINDS)} or https://HOST without a path or a query, not {shown!r}")
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        raise TargetError(f"over plain HTTP the keys would travel readable: use https://{parts.netloc}")


def _check_keys(environment: Mapping[str, str]) -> None:
    """A header holds no line break and nothing beyond ASCII; who pastes a key with one would see it in an error."""
    for name in (QUEUE_KEY, ADMIN_KEY, KV_TOKEN):
        if not VISIBLE.fullmatch(environment.get(name, "")):
            raise TargetError(f"{name} must hold visible ASCII characters alone: no space, no line break")


def _controlled(origin: str) -> tuple[frozenset[Ability], tuple[str, ...]]:
    """What an emulator says of itself; one that behaves as production does has no write seen, or repeated, at once."""
    try:
        with open_client(guarded=False) as http:
            status = http.get(f"{origin}{CONTROL_PREFIX}/status").json()
        _CONTROLLED.validate(status)
        locations, profile = tuple(status["locations"]), status["profile"]
    except httpx.HTTPError as error:
        raise TargetError(one_line(f"{origin} does not answer: {error}")) from None
    except Unreadable as why:
        raise TargetError(f"the answer of {origin} to GET {CONTROL_PREFIX}/status cannot be read: {why}") from None
    except (ValueError, ValidationError):
        raise TargetError(f"{origin} has no control surface of a queue-emulator: leave --control out") from None
    missing = {Ability.DISPOSABLE, Ability.WORKER_CLOCK, Ability.OTHER_KEYS}
    if profile != "local":
        missing |= {Ability.AT_ONCE}
    return LOCAL - missing, locations if len(locations) > 1 else ()


def origin_of(url: str) -> str:
    """Scheme, host and port as clients send them: in lower case, without the port that goes without saying."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    usual = {"http": 80, "https": 443}.get(parts.scheme)
    return f"{parts.scheme}://{host}" + (f":{parts.port}" if parts.port not in (None, usual) else "")


def reference_worker() -> Path:
    """The folder of the reference Worker: inside the package once installed, among the fixtures in a checkout."""
    return packaged("worker", "worker")


def packaged(installed: str, fixture: str) -> Path:
    """A folder of data: `installed` in the package, else `fixture` in the fixtures of a checkout."""
    here = Path(__file__).resolve().parent
    candidates = [here / installed, here.parent.parent / "fixtures" / fixture]
    found = next((each for each in candidates if each.is_dir()), None)
    if found is None:
        raise FileNotFoundError(f"{fixture} is neither at {candidates[0]} nor at {candidates[1]}")
    return found


def _rest_api(environment: Mapping[str, str]) -> RestApi | None:
    given = {name: environment.get(name, "") for name in (KV_ACCOUNT, KV_NAMESPACE, KV_TOKEN)}
    missing = [name for name, value in given.items() if not value]
    if len(missing) == len(given):
        return None
    if missing:
        raise TargetError(f"to reach the KV of the target, set {', '.join(missing)} too")
    for name in (KV_ACCOUNT, KV_NAMESPACE):
        if not IDENTIFIER.fullmatch(given[name]):
            raise TargetError(f"{name} must be an id: letters, digits, hyphens and underscores")
    url = (environment.get(KV_API) or CLOUDFLARE).rstrip("/")
    try:
        httpx.URL(url).host  # noqa: B018
        parts = urlsplit(url)
    except (ValueError, httpx.InvalidURL):
        raise TargetError(f"{KV_API} is no address") from None
    if parts.scheme != "https" and parts.hostname not in LOOPBACK:
        raise TargetError(f"over plain HTTP the token would travel readable: {KV_API} must be https://")
    return RestApi(url, given[KV_ACCOUNT], given[KV_NAMESPACE], given[KV_TOKEN])
