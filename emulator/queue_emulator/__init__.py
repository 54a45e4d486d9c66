"""A Worker's task queue and the Workers KV under it, emulated. The names below are public; each loads when used."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from queue_emulator.core.clock import MovableClock, SystemClock
    from queue_emulator.core.dice import Dice
    from queue_emulator.core.profiles import CLOUDFLARE, LOCAL, Profile
    from queue_emulator.kv.binding import Binding
    from queue_emulator.kv.operation import Invocation
    from queue_emulator.kv.service import KVService
    from queue_emulator.kv.sqlite import SqliteStore
    from queue_emulator.kv.store import MemoryStore, Store
    from queue_emulator.testing import Emulator

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
    "queue_emulator.core.clock": ("MovableClock", "SystemClock"),
    "queue_emulator.core.dice": ("Dice",),
    "queue_emulator.core.profiles": ("CLOUDFLARE", "LOCAL", "Profile"),
    "queue_emulator.kv.binding": ("Binding",),
    "queue_emulator.kv.operation": ("Invocation",),
    "queue_emulator.kv.service": ("KVService",),
    "queue_emulator.kv.sqlite": ("SqliteStore",),
    "queue_emulator.kv.store": ("MemoryStore", "Store"),
    "queue_emulator.testing": ("Emulator",),
}


if not TYPE_CHECKING:  # a type checker would take any name for one of ours

    def __getattr__(name: str) -> object:
        from importlib import import_module

        for module, names in _HOMES.items():
            if name in names:
                return getattr(import_module(module), name)
        raise AttributeError(f"module 'queue_emulator' has no attribute {name!r}")
