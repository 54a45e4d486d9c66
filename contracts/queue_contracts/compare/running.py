"""One comparison from its announcement to its exit code."""

import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime

from tqdm import tqdm

from queue_contracts.compare.comparing import NOISE_RUNS, compare
from queue_contracts.compare.executor import Patience, Player
from queue_contracts.compare.known import Known, expired
from queue_contracts.compare.scores import Outcome, conclude
from queue_contracts.compare.sides import Side
from queue_contracts.compare.skip_reasons import obstacle
from queue_contracts.compare.steps import Sequence
from queue_contracts.described.operations import packaged_description
from queue_contracts.untrusted.visible import one_line

EQUAL, DIFFERENT, USAGE, NOTHING_COMPARED = range(4)


@dataclass(frozen=True)
class Plan:
    """What is to be compared, against which known differences, and how patiently."""

    sequences: tuple[Sequence, ...]
    known: tuple[Known, ...]
    patience: Patience = field(default_factory=Patience)
    wait_s_max: int = 0
    noise_runs: int = NOISE_RUNS


def run_comparison(plan: Plan, a: tuple[Side, str], b: tuple[Side, str]) -> Outcome:
    """Play everything on both sides, each given with what its ids begin with."""
    today = datetime.now(UTC).date()
    players = [Player(side, prefix, plan.patience, plan.wait_s_max) for side, prefix in (a, b)]
    known = tuple(entry for entry in plan.known if entry.applies((a[0].kind, b[0].kind)))
    past = expired(known, today)
    description = packaged_description()
    _announce(plan.sequences, players)
    with tqdm(total=len(plan.sequences), unit="sequence", disable=None, leave=False, file=sys.stderr) as bar:
        comparison = compare(
            plan.sequences,
            players[0],
            players[1],
            description,
            [entry for entry in known if entry not in past],
            noise_runs=plan.noise_runs,
            compared=bar.update,
        )
    return conclude(comparison, known, description, today)


def code_of(outcome: Outcome, *, ignore_texts: bool = False) -> int:
    """The exit code that an outcome comes to."""
    if not outcome.comparison.steps:
        return NOTHING_COMPARED
    return EQUAL if outcome.passes(ignore_texts=ignore_texts) else DIFFERENT


def _announce(sequences: tuple[Sequence, ...], players: list[Player]) -> None:
    """How many requests go to a deployment, and how long that takes, before the first is sent."""
    played = [each for each in sequences if not any(obstacle(each, player) for player in players)]
    requests = sum(len(each.requests) for each in played)
    for side in (player.side for player in players if player.side.rate is not None):
        minutes = -(-requests // (side.rate or 1))
        told = (
            f"{side.name}: {requests} requests in {len(played)} sequences, {minutes} min at {side.rate} a minute, "
            f"longer if writes are seen late or answers differ; profile {side.profile.value}"
        )
        print(one_line(told), file=sys.stderr)
