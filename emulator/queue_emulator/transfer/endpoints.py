"""Makes an endpoint from its text form (transfer/endpoint_syntax.py lists the forms)."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from queue_emulator import settings
from queue_emulator.core.errors import SettingsError
from queue_emulator.transfer import endpoint_syntax
from queue_emulator.transfer.bulk_files import STANDARD_INPUT, readable
from queue_emulator.transfer.emulator_endpoint import EmulatorEndpoint
from queue_emulator.transfer.endpoint import Source, Target
from queue_emulator.transfer.file_endpoint import FileEndpoint
from queue_emulator.transfer.state_endpoint import DEFAULT_NAMESPACE, StateEndpoint
from queue_emulator.transfer.wrangler_endpoint import WranglerEndpoint

_STATE_SUFFIXES = (".sqlite", ".sqlite3", ".db")
_SQLITE_HEADER = b"SQLite format 3\0"


def target_of(text: str) -> Target:
    """The endpoint that can be written to; raises SettingsError that lists the forms. Nothing is opened yet."""
    endpoint = _endpoint(text)
    if endpoint is None and Path(text).name == "state" and not Path(text).exists():
        raise SettingsError(f"there is no wrangler state at {text} yet: to create it, use wrangler:{text}#NAMESPACE_ID")
    if endpoint is None:
        raise SettingsError(f"cannot write to {text!r}: not a known endpoint; use one of:\n{endpoint_syntax.TARGETS}")
    return endpoint


@contextmanager
def source_of(text: str) -> Iterator[Source]:
    """As `target_of`, or a bulk-put file."""
    if Path(text) == STANDARD_INPUT or _bulk_file(Path(text)):
        with readable([Path(text)]) as files:
            yield FileEndpoint(files[0])
        return
    endpoint = _endpoint(text)
    if endpoint is None and ":" not in text and not Path(text.partition("#")[0]).exists():
        raise SettingsError(f"there is no file or folder {text}")
    if endpoint is None:
        raise SettingsError(f"cannot read from {text!r}: not a known endpoint; use one of:\n{endpoint_syntax.SOURCES}")
    yield endpoint


def _endpoint(text: str) -> Target | None:
    scheme, colon, rest = text.partition(":")
    if colon and scheme in _BY_SCHEME and rest:
        return _BY_SCHEME[scheme](text if scheme.startswith("http") else rest)
    path, _, namespace = text.partition("#")
    if (Path(path) / "v3" / "kv").is_dir():
        return WranglerEndpoint(Path(path), namespace or None)
    if Path(text).is_file() or (text.endswith(_STATE_SUFFIXES) and not Path(text).is_dir()):
        return StateEndpoint(Path(text))
    return None


def _bulk_file(path: Path) -> bool:
    """Whether a path is that of a file that is no database; a pipe is one."""
    if not path.exists() or path.is_dir():
        return False
    if not path.is_file():
        return True
    with path.open("rb") as file:
        return file.read(len(_SQLITE_HEADER)) != _SQLITE_HEADER


def _state(text: str) -> Target:
    path, _, namespace = text.partition("#")
    return StateEndpoint(Path(path), namespace or DEFAULT_NAMESPACE)


def _wrangler(text: str) -> Target:
    path, _, namespace = text.partition("#")
    return WranglerEndpoint(Path(path), namespace or None)


def _cloudflare(namespace_id: str) -> Target:
    access = settings.read_cloudflare(namespace_id)
    from queue_emulator.transfer.cloudflare_endpoint import CloudflareEndpoint  # needs the extra [cloudflare]

    return CloudflareEndpoint(access)


_BY_SCHEME: dict[str, Callable[[str], Target]] = {
    "http": EmulatorEndpoint,
    "https": EmulatorEndpoint,
    "state": _state,
    "wrangler": _wrangler,
    "cloudflare": _cloudflare,
}
