"""`queue-emulator`: one module a command. Each parses, calls one function and prints."""

from queue_emulator.cli.entry import main

__all__ = ["main"]
