"""The suite's options of pytest, and the run that they describe."""

import tempfile
from pathlib import Path
from typing import Any, NoReturn

import pytest

from queue_contracts.arguments import rate
from queue_contracts.codes import Code
from queue_contracts.environment import mask_environment
from queue_contracts.report import require_writable
from queue_contracts.run import RATE_OF_A_URL, SEED, Profile, Run, load_run, new_run_id, settle_profile
from queue_contracts.target import LOCAL, Ability, Target
from queue_contracts.targets import TargetError, check_address, deployed_target, origin_of
from queue_contracts.visible import visible

_current: list[Run] = []


def add_options(parser: pytest.Parser) -> None:
    """As `queue-contracts` has them, under names that no plugin of pytest has."""
    group = parser.getgroup("contracts", "the contract of the task queue")
    add = group.addoption
    add("--target", default="emulator", metavar="TARGET", help="emulator, workerd, or the URL of a deployment")
    add("--worker", type=Path, metavar="PATH", help="for workerd: a Worker (default: the reference Worker)")
    add("--workerd", type=Path, metavar="PATH", help="the workerd binary, or the node_modules that holds it")
    add("--contract-profile", choices=[each.value for each in Profile], help="what the run may do to the target")
    add("--disposable", metavar="HOST", help="the host of the URL, whose queue may be emptied")
    add("--control", action="store_true", help="the URL is an emulator's: use its control surface")
    add("--rate", type=rate, metavar="N/min", help=f"requests a minute (default: {RATE_OF_A_URL}/min to a URL)")
    add("--contract-seed", type=int, default=SEED, metavar="N", help="of the generated requests (default: %(default)s)")
    add("--report-dir", type=Path, metavar="DIR", help="where reports are written; made if it is not there")


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
    return LOCAL if run.target == "emulator" else LOCAL - {Ability.WORKER_CLOCK}


def usage(message: str) -> NoReturn:
    """End with exit code 2, whatever the message has from the target or from the environment."""
    pytest.exit(f"queue-contracts: {visible(mask_environment(message))}", returncode=Code.USAGE)


def _new_run(config: pytest.Config) -> Run:
    option: Any = config.option
    folder = Path(tempfile.mkdtemp(prefix="queue-contracts-"))
    run = Run(
        option.target, Profile.OBSERVE, folder, new_run_id(), option.contract_seed, option.rate, option.control,
        option.worker, option.workerd, option.report_dir,
    )  # fmt: skip
    try:
        if run.report_dir is not None:
            require_writable(run.report_dir)
        run = _settled(run, option)
    except TargetError as error:
        usage(str(error))
    except OSError as error:
        usage(f"--report-dir {run.report_dir}: {error.strerror}")
    run.save()
    return run


def _settled(run: Run, option: Any) -> Run:
    if not run.local:
        check_address(run.target)
    run = settle_profile(run, option.contract_profile, option.disposable, origin_of(run.target).partition("://")[2])
    if run.control and (run.local or run.profile is not Profile.DISPOSABLE):
        raise TargetError("--control is for the URL of an emulator that is thrown away: add --disposable HOST")
    if not run.local and (run.worker or run.workerd):
        raise TargetError("--worker and --workerd are for the target workerd")
    target = target_at_url(run)
    if target is not None and run.profile is Profile.ISOLATED and not target.can(Ability.SEED):
        raise TargetError(
            "the profile isolated puts its tasks into KV past the Worker: set CONTRACT_KV_ACCOUNT, "
            "CONTRACT_KV_NAMESPACE and CONTRACT_KV_TOKEN"
        )
    several = option.__dict__.get("numprocesses") not in (None, 0, "0", 1) or option.__dict__.get("tx")
    if not run.local and run.profile is not Profile.OBSERVE and several:
        raise TargetError(f"in the profile {run.profile.value} one process at a time works on a URL: leave -n out")
    if run.rate is None and not run.local:
        return Run(**{**run.__dict__, "rate": RATE_OF_A_URL})
    return run
