"""The run that pytest's options describe, and the one at work in this process."""

import os
import tempfile
from argparse import Namespace
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import pytest

from queue_contracts.codes import Code
from queue_contracts.described.operations import packaged_description
from queue_contracts.names import KV_ACCOUNT, KV_NAMESPACE, KV_TOKEN
from queue_contracts.options import RATE_OF_A_URL
from queue_contracts.profiles import Profile
from queue_contracts.report.files import require_writable
from queue_contracts.sending.run import Run, load_run, new_run_id, settle_profile
from queue_contracts.targets.addresses import TargetError, check_address, check_keys, origin_of
from queue_contracts.targets.opening import deployed_target
from queue_contracts.targets.target import LOCAL, Ability, Target
from queue_contracts.untrusted.environment import printable

_current: list[Run] = []


def begin_run(config: pytest.Config) -> Run:
    """The run that the options describe; in a process of pytest-xdist, the one of its controller."""
    folder = getattr(config, "workerinput", {}).get("contract_folder")
    run = load_run(Path(folder)) if folder else _new_run(config)
    _current.append(run)
    return run


def end_run() -> None:
    _current.pop()


def current_run() -> Run | None:
    """The run of this process, None outside of one."""
    return _current[-1] if _current else None


def target_at_url(run: Run) -> Target | None:
    """What a URL is, which is known before anything is sent; None for a target that is started."""
    return None if run.local else deployed_target(run.target, control=run.control)


def abilities_of(run: Run, target: Target | None) -> frozenset[Ability]:
    """What the target can do, known before it is started."""
    if target is not None:
        return target.abilities
    return LOCAL


def usage(message: str) -> NoReturn:
    """End with exit code 2, whatever the message has from the target or from the environment."""
    raise _REFUSAL(printable(message), returncode=Code.USAGE)


# pytest begins the line with the name of the exception, as Python does with those that are in no module.
_REFUSAL = type("queue-contracts", (pytest.exit.Exception,), {"__module__": "builtins"})


def _new_run(config: pytest.Config) -> Run:
    option: Namespace = config.option
    folder = Path(tempfile.mkdtemp(prefix="queue-contracts-"))
    run = Run(
        option.target, Profile.OBSERVE, folder, new_run_id(), option.contract_seed, option.rate, option.control,
        option.worker, option.workerd, option.report_dir,
        format=option.contract_format, complete=option.contract_complete,
    )  # fmt: skip
    if run.rate is None and not run.local:
        run = replace(run, rate=RATE_OF_A_URL)
    try:
        check_keys(os.environ)
        if run.report_dir is not None:
            require_writable(run.report_dir)
        run = replace(_with_profile(run, option), without=tuple(sorted(_operations(option.contract_without))))
    except TargetError as error:
        usage(str(error))
    except OSError as error:
        usage(f"--report-dir {run.report_dir}: {error.strerror}")
    run.save()
    return run


def _operations(parts: Iterable[str]) -> Iterator[str]:
    """The operations that parts are made of. Raises TargetError for a part that openapi.yaml does not have."""
    description = packaged_description()
    for part in parts:
        found = description.named(part)
        if not found:
            tags = dict.fromkeys(each.tag for each in description.operations.values())
            raise TargetError(f"--without {part}: openapi.yaml has {', '.join((*tags, *description.operations))}")
        yield from found


def _with_profile(run: Run, option: Namespace) -> Run:
    """The run under the profile that was asked for. Raises TargetError where the options do not go together."""
    if not run.local:
        check_address(run.target)
    run = settle_profile(run, option.contract_profile, option.disposable, origin_of(run.target).partition("://")[2])
    several = option.__dict__.get("numprocesses") not in (None, 0, "0", 1) or option.__dict__.get("tx")
    for contradiction in _contradictions(run, target_at_url(run), side_by_side=bool(several)):
        raise TargetError(contradiction)
    return run


def _contradictions(run: Run, target: Target | None, *, side_by_side: bool) -> Iterator[str]:
    """In the order in which they are told."""
    terms = run.profile.terms
    if run.control and (run.local or terms.shared):
        yield "--control deletes the data of the emulator: to allow it, add --disposable HOST"
    if not run.local and (run.worker or run.workerd):
        yield "--worker and --workerd work only with the target workerd"
    if target is not None and run.profile.tidies and not target.can(Ability.SEED):
        yield (
            f"the profile {run.profile.value} writes its tasks directly into KV: "
            f"set {KV_ACCOUNT}, {KV_NAMESPACE} and {KV_TOKEN}"
        )
    if run.format == "old" and run.profile.tidies:
        yield f"in the old format all tasks are in one list, which the profile {run.profile.value} must leave to others"
    if not run.local and terms.writes and side_by_side:
        yield f"the profile {run.profile.value} allows only one process at a URL: leave --workers out (in pytest: -n)"
