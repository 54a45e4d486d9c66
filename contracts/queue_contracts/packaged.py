"""The data that the package brings: beside this file once installed, elsewhere in a checkout."""

from pathlib import Path

_HERE = Path(__file__).resolve().parent
_CHECKOUT = _HERE.parent.parent


def description_file() -> Path:
    """`openapi.yaml`."""
    return _found("openapi.yaml", _CHECKOUT / "openapi.yaml")


def reference_worker() -> Path:
    """The folder of the reference Worker."""
    return _found("worker", _CHECKOUT / "fixtures" / "worker")


def old_format() -> Path:
    """The folder of old-format data, in files as `wrangler kv bulk put` takes them."""
    return _found("old-format", _CHECKOUT / "fixtures" / "old-format")


def _found(installed: str, in_a_checkout: Path) -> Path:
    candidates = (_HERE / installed, in_a_checkout)
    found = next((each for each in candidates if each.exists()), None)
    if found is None:
        raise FileNotFoundError(f"{installed} is neither at {candidates[0]} nor at {candidates[1]}")
    return found
