"""The error of a runtime that cannot be kept running."""

from emulator.core.errors import EmulatorError


class WorkerStopped(EmulatorError):
    """workerd died, was started once more, and died again (exit code 1)."""
