"""What `serve --worker` needs beyond the base install."""

from collections.abc import Iterable
from importlib.util import find_spec

from queue_emulator.core.errors import SettingsError

PACKAGES = ("aiohttp", "h11", "json5")


def require_extra(packages: Iterable[str] = PACKAGES) -> None:
    """Raises SettingsError, with what to type, if a package of the extra is not installed."""
    if not all(map(find_spec, packages)):
        raise SettingsError("a Worker on workerd needs an extra: pip install 'queue-emulator[workerd]'")
