"""The errors of a Worker that does not start, and of a runtime that cannot be kept running."""

from queue_emulator.core.errors import EmulatorError, SettingsError


class WorkerNotStarted(SettingsError):
    """workerd refused the Worker: it does not compile, or throws before it can be asked (exit code 2)."""


class WorkerStopped(EmulatorError):
    """workerd died, was started once more, and died again (exit code 1)."""
