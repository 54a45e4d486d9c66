"""A Worker's task queue and the Workers KV under it, emulated. The names below are public; each loads when used."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from emulator.core.clock import MovableClock, SystemClock
    from emulator.core.dice import Dice
    from emulator.core.profiles import CLOUDFLARE, LOCAL, Profile
    from emulator.kv.binding import Binding, Invocation
    from emulator.kv.service import KVService
    from emulator.kv.sqlite import SqliteStore
    from emulator.kv.store import MemoryStore, Store
    from emulator.testing import Emulator

__version__ = "0.1.0"  # here, for it is shown at every start, and to look it up takes longer than to open the state

__all__ = [
    "CLOUDFLARE",
    "LOCAL",
    "Binding",
    "Dice",
    "Emulator",
    "Invocation",
    "KVService",
    "MemoryStore",
    "MovableClock",
    "Profile",
    "SqliteStore",
    "Store",
    "SystemClock",
]

_HOMES = {
    "emulator.core.clock": ("MovableClock", "SystemClock"),
    "emulator.core.dice": ("Dice",),
    "emulator.core.profiles": ("CLOUDFLARE", "LOCAL", "Profile"),
    "emulator.kv.binding": ("Binding", "Invocation"),
    "emulator.kv.service": ("KVService",),
    "emulator.kv.sqlite": ("SqliteStore",),
    "emulator.kv.store": ("MemoryStore", "Store"),
    "emulator.testing": ("Emulator",),
}


def __getattr__(name: str) -> Any:
    from importlib import import_module

    for module, names in _HOMES.items():
        if name in names:
            return getattr(import_module(module), name)
    raise AttributeError(f"module 'emulator' has no attribute {name!r}")
