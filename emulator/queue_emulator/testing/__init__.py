"""The emulator inside a test: one process, no port, a clock that stands still, nothing to await.

Everything runs in the caller's own thread of control: a store in memory never waits, and a fault's delay moves the
clock instead of taking time. So the same calls serve plain and asynchronous tests. Requests overlap where a test says
so: one that was begun does its KV operations when it is told to, and others come in between.
"""

from queue_emulator.testing.controls import EmulatorClock, Faults
from queue_emulator.testing.emulator import API_TOKEN, KEYS, NOON_MS, Emulator, Version
from queue_emulator.testing.kv import KV
from queue_emulator.testing.location import Location, Reply, member
from queue_emulator.testing.run_now import run_now

__all__ = [
    "API_TOKEN",
    "KEYS",
    "KV",
    "NOON_MS",
    "Emulator",
    "EmulatorClock",
    "Faults",
    "Location",
    "Reply",
    "Version",
    "member",
    "run_now",
]
