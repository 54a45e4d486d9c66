"""Why a sequence is not compared: said of every one that is left out, and decided before anything is sent."""

from dataclasses import replace

import httpx
import pytest

from queue_contracts.compare.executor import Player
from queue_contracts.compare.parser import packaged_sequences
from queue_contracts.compare.sides import Side
from queue_contracts.compare.skip_reasons import obstacle
from queue_contracts.compare.steps import Advance, Compared, Deployment, Key, Request, Seed, Sequence
from queue_contracts.profiles import Profile
from queue_contracts.sending.rules import Rules
from queue_contracts.targets.entries import new_task, old_pending
from queue_contracts.targets.target import Target

LIST = Request("GET", "/api/queue", (200,), "listPendingTasks")
READ = Request("GET", "/api/queue/{a}", (404,), "getTask")
STATUS = Request("GET", "/api/migrate/status", (200,), "getMigrationStatus")
RESULT = Request("POST", "/api/result/{a}", (200,), "postResult", body={"success": True})
CLAIM = Request("POST", "/api/queue/claim", (200,), "claimTask", body={})
SEED = Seed(({**new_task("{a}")},))


def side(profile: Profile, **abilities: object) -> Side:
    target = Target("https://staging.example", "queue-key", "admin-key")
    rules = Rules(target, profile, "ct-1-")
    able = Side("staging.example", "staging.example", target.url, "queue-key", "admin-key", httpx.Client())
    return replace(able, profile=profile, objection=rules.objection, **abilities)  # type: ignore[arg-type]


OBSERVED = side(Profile.OBSERVE)
ISOLATED = side(Profile.ISOLATED, seed=print)
EVERYTHING = side(Profile.DISPOSABLE, seed=print, reset=print, advance=print, worker_time=True)


def test_a_target_is_not_deployed_anew_for_a_sequence() -> None:
    sequence = Sequence("a name", (READ,), deployment=Deployment("old"))
    assert obstacle(sequence, Player(EVERYTHING, "ct-1-")) == "staging.example cannot be deployed in another way"
    anew = replace(EVERYTHING, deploy=lambda deployment: None)
    assert obstacle(sequence, Player(anew, "ct-1-")) is None


@pytest.mark.parametrize(
    ("steps", "of", "said"),
    [
        ((READ,), OBSERVED, None),
        ((replace(LIST, compare=Compared.SHAPE),), OBSERVED, None),
        ((replace(LIST, statuses=(401,), key=Key.NONE),), OBSERVED, None),
        ((LIST,), OBSERVED, "cannot be emptied"),
        ((RESULT,), OBSERVED, "only GET is sent"),
        ((READ, SEED), OBSERVED, "may only be read: the profile forbids to write into its KV"),
        ((replace(READ, path="/api/queue/{a}%20"),), OBSERVED, "is not a GET of openapi.yaml"),
        ((Request("GET", "/api/nothing", (404,)),), OBSERVED, "is not a GET of openapi.yaml"),
        ((SEED, READ, RESULT), ISOLATED, None),
        ((Seed(({**old_pending("{a}")},)), READ), ISOLATED, "orchestrator:pending is not an id of this run"),
        ((replace(RESULT, path="/api/result/theirs"),), ISOLATED, "'theirs' is not an id of this run"),
        ((Request("POST", "/api/migrate/run", (401,), "runMigration", key=Key.NONE),), ISOLATED, "only in the profile"),
        ((CLAIM,), ISOLATED, "cannot be emptied"),
        ((SEED, CLAIM, LIST, STATUS, Advance(3600)), EVERYTHING, None),
        ((SEED, READ), replace(EVERYTHING, seed=None), "cannot be seeded"),
        ((STATUS,), replace(EVERYTHING, reset=None), "cannot be emptied"),
        ((STATUS,), replace(EVERYTHING, admin_key=""), "has no admin key here"),
        ((replace(READ, key=Key.OTHER_SCOPE),), replace(EVERYTHING, admin_key=""), "has no admin key here"),
        ((replace(STATUS, statuses=(401,), key=Key.WRONG),), replace(EVERYTHING, admin_key=""), None),
        ((READ, Advance(40), Advance(30)), replace(EVERYTHING, advance=None), "takes 70 s: add --wait-s 70"),
    ],
)
def test_a_sequence_is_left_out_for_what_stands_in_its_way(
    steps: tuple[Request | Seed | Advance, ...], of: Side, said: str | None
) -> None:
    reason = obstacle(Sequence("made up", steps), Player(of, "ct-1-"))
    if said is None:
        assert reason is None
    else:
        assert reason is not None
        assert reason.startswith("staging.example ")
        assert said in reason


def test_time_that_cannot_be_moved_can_be_waited_for() -> None:
    waiting = Player(replace(EVERYTHING, advance=None), "ct-1-", wait_s_max=70)
    assert obstacle(Sequence("made up", (Advance(70), READ)), waiting) is None
    assert obstacle(Sequence("made up", (Advance(71), READ)), waiting) is not None


def test_a_worker_whose_own_clock_stands_is_not_asked_what_depends_on_it() -> None:
    sequence = Sequence("made up", (Advance(60), READ), worker_time=True)
    assert obstacle(sequence, Player(EVERYTHING, "ct-1-")) is None
    reason = obstacle(sequence, Player(replace(EVERYTHING, worker_time=False), "ct-1-"))
    assert reason is not None
    assert "the Worker's own clock" in reason


@pytest.mark.parametrize(("of", "at_least"), [(OBSERVED, 3), (ISOLATED, 8), (EVERYTHING, len(packaged_sequences()))])
def test_of_the_sequences_of_the_package_some_are_left_for_every_profile(of: Side, at_least: int) -> None:
    """More can be compared the more is allowed; what only reads is compared everywhere."""
    left = [each for each in packaged_sequences() if obstacle(each, Player(of, "ct-1-")) is None]
    assert len(left) >= at_least
    if of is OBSERVED:
        assert all(step.method == "GET" and step.operation for each in left for step in each.requests)
        assert {step.operation for each in left for step in each.requests} == {
            "listPendingTasks",
            "getTask",
            "getResult",
            "getMigrationStatus",
        }
