"""The target of a run, opened, and the guard in front of it."""

from contextlib import AbstractContextManager, ExitStack, nullcontext

from queue_contracts.sending.guard import Guard
from queue_contracts.sending.limiter import SharedLimiter
from queue_contracts.sending.parts import Parts
from queue_contracts.sending.recorder import Recorder
from queue_contracts.sending.rules import Rules
from queue_contracts.sending.run import Run
from queue_contracts.sending.wire import below, installed
from queue_contracts.session.looking import parts_of
from queue_contracts.targets import serving
from queue_contracts.targets.opening import open_target, running_with
from queue_contracts.targets.target import Target


def opened(run: Run) -> AbstractContextManager[Target]:
    running = None if run.worker is None else running_with(run.worker)
    if running is not None:
        return nullcontext(running)
    return open_target(run.target, worker=run.worker, workerd=run.workerd, control=run.control)


def put_guard(run: Run, target: Target, stack: ExitStack) -> None:
    """Below every client of this process, until the stack is closed."""
    rules = Rules(target, run.profile, run.own_prefix, started=serving.STARTED.__contains__)
    guard = Guard(rules, SharedLimiter(run.folder, run.rate), Recorder(run.folder, target), run.folder)
    stack.callback(guard.limiter.close)
    stack.enter_context(below(guard))
    know_parts(parts_of(run))


def know_parts(parts: Parts | None) -> None:
    """From now on the guard of this process lets no check ask for what is missing."""
    if (guard := installed()) is not None and parts is not None:
        guard.missing = parts.missing
