"""A world does what is chosen and nothing else: an operation a choice, time as it is told, a fault where it is put."""

from queue_emulator.explore.behaviour import Behaviour
from queue_emulator.explore.history import Actor, Begun, Ended, Happening, Settled, Step, calls
from queue_emulator.explore.scenarios import FAIL_AFTER, FAIL_BEFORE, FAULTS, KILLED, Scenario
from queue_emulator.explore.turns import AT_ONCE_MS, EXPIRY_MS, MINUTE_MS, Choice
from queue_emulator.explore.world import World

ONE = Scenario("one", (Actor("a", "SJC", ("claim", "renew", "result")), Actor("b", "NRT", ("claim",))), ("new t1",))
FAULTY = Scenario("faulty", (Actor("a", "SJC", ("claim",)),), ("new t1",), faults=FAULTS)


def do(world: World, *names: str) -> None:
    for name in names:
        assert world.do(Choice(name))


def steps(world: World) -> list[Step]:
    return [each for each in world.history.happenings if isinstance(each, Step)]


def test_a_choice_is_one_operation_and_the_first_of_a_request_begins_it() -> None:
    world = World(ONE)
    do(world, "a", "a", "b")
    assert [(step.call.actor.name, step.kind, step.key) for step in steps(world)] == [
        ("a", "list", b"queue:task:"),
        ("a", "get", b"queue:lease:t1"),
        ("b", "list", b"queue:task:"),
    ]
    assert [(call.actor.name, call.verb, call.status) for call in calls(world.history.happenings)] == [
        ("a", "claim", 0),
        ("b", "claim", 0),
    ]


def test_a_request_is_answered_with_its_last_operation() -> None:
    world = World(ONE)
    do(world, *"aaaa")
    assert not any(isinstance(each, Ended) for each in world.history.happenings)
    do(world, "a")
    ended = world.history.happenings[-1]
    assert isinstance(ended, Ended)
    assert (ended.call.status, ended.call.task, ended.call.ended_ms) == (200, "t1", world.clock.at_ms)


def test_a_second_passes_when_another_goes_on_or_another_request_begins_and_none_within_a_request() -> None:
    world = World(ONE)
    begin_ms = world.clock.at_ms
    do(world, *"aaaaa")
    assert world.clock.at_ms == begin_ms
    do(world, "a")
    assert world.clock.at_ms == begin_ms + 1000
    do(world, "b")
    assert world.clock.at_ms == begin_ms + 2000


def test_a_pause_is_as_long_as_it_says_or_until_the_next_key_ends() -> None:
    world = World(ONE)
    begin_ms = world.clock.at_ms
    do(world, "a")
    world.do(Choice("b", AT_ONCE_MS))
    assert world.clock.at_ms == begin_ms
    world.do(Choice("a", MINUTE_MS))
    assert world.clock.at_ms == begin_ms + 60_000
    world.do(Choice("a", EXPIRY_MS))
    assert world.clock.at_ms == begin_ms + 3_540_000  # the task lives for an hour, and was a minute old


def test_what_cannot_be_done_is_not_done() -> None:
    world = World(Scenario("none", (Actor("a", "SJC", ("renew", "list")),)))
    do(world, "a")  # it holds nothing to renew, and lists
    assert [call.verb for call in calls(world.history.happenings)] == ["list"]
    assert not world.do(Choice("a"))
    assert not world.do(Choice("nobody"))


def test_an_operation_that_fails_before_did_not_happen_and_one_that_fails_after_did() -> None:
    for fault, written in ((FAIL_BEFORE, False), (FAIL_AFTER, True)):
        world = World(FAULTY)
        do(world, "a", "a")
        world.do(Choice("a", fault=fault))
        assert steps(world)[-1].wrote is written
        (call,) = calls(world.history.happenings)
        assert (call.status, call.faulted) == (500, True)
        assert world.faults_left == 0


def test_a_run_that_is_killed_does_nothing_more_and_answers_nothing() -> None:
    world = World(FAULTY)
    do(world, "a", "a")
    world.do(Choice("a", fault=KILLED))
    (call,) = calls(world.history.happenings)
    assert (call.status, call.ended_ms, call.faulted) == (0, None, True)
    assert [step.event is None for step in steps(world)] == [False, False, True]
    assert not world.do(Choice("a"))


def test_without_overlap_a_request_that_begins_comes_to_its_end() -> None:
    world = World(ONE, frozenset((Behaviour.OVERLAP,)))
    do(world, "a")
    assert len(steps(world)) == 5
    assert world.begins("a")


def test_without_copies_a_location_sees_what_another_has_written() -> None:
    scenario = Scenario("late", (Actor("a", "SJC", ("enqueue t2",)), Actor("b", "NRT", ("list", "list"))), ("new t1",))
    for without, seen in ((frozenset[Behaviour](), 1), (frozenset((Behaviour.CACHES,)), 2)):
        world = World(scenario, without)
        do(world, "b", "a", "b")
        event = steps(world)[-1].event
        assert event is not None
        assert (event.keys, event.stale) == (seen, seen == 1)


def test_a_page_and_a_budget_are_as_small_as_the_scenario_says() -> None:
    small = Scenario("small", (Actor("a", "SJC", ("claim",)),), ("new t1", "new t2"), page_max=1, operations_max=4)
    for without, status in ((frozenset[Behaviour](), 500), (frozenset((Behaviour.OPERATIONS,)), 200)):
        world = World(small, without)
        while world.able():
            do(world, "a")
        event = steps(world)[0].event
        assert event is not None
        assert (event.keys, calls(world.history.happenings)[0].status) == (1, status)


def test_settling_ends_what_runs_lets_a_minute_pass_and_looks() -> None:
    world = World(ONE)
    do(world, "a")
    happenings = world.settle().happenings
    at = next(place for place, each in enumerate(happenings) if isinstance(each, Settled))
    assert [each.call.verb for each in happenings[:at] if isinstance(each, Ended)] == ["claim"]
    assert [each.call.verb for each in happenings[at:] if isinstance(each, Begun)] == ["list"]
    looked = happenings[-1]
    assert isinstance(looked, Ended)
    assert looked.call.member("pending") == ["t1"]


def test_the_operator_runs_the_migration_for_as_long_as_status_asks_for_it() -> None:
    world = World(Scenario("old", (), ("old t1", "old t2"), migrates=True))
    asked = [call.verb for call in calls(world.settle().happenings)]
    assert asked == ["migrate-status", "run", "migrate-status", "list"]


def test_a_copy_of_a_world_goes_on_as_the_world_would_have_and_neither_sees_the_other() -> None:
    """At every place of a schedule with copies, a budget that is spent, a fault, a pause until something ends."""
    actors = (
        Actor("a", "SJC", ("claim", "renew", "result")),
        Actor("b", "NRT", ("list", "claim"), "dual"),
        Actor("op", "SJC", ("run",)),
    )
    scenario = Scenario("copied", actors, ("old t1", "new t2"), page_max=1, operations_max=4, faults=FAULTS)
    choices = [Choice("b"), *[Choice("a")] * 3, Choice("op"), Choice("b", MINUTE_MS), Choice("op", fault=FAIL_AFTER)]
    choices += [Choice("a", AT_ONCE_MS), Choice("b", EXPIRY_MS), Choice("op"), *[Choice("a")] * 4, Choice("b")]
    whole = told(scenario, choices)
    for place in range(len(choices)):
        world = World(scenario)
        for choice in choices[:place]:
            world.do(choice)
        copied = world.copy()
        assert copied is not None
        for name in ("op", "b", "a", "op"):
            world.do(Choice(name, MINUTE_MS))
        world.settle()
        for choice in choices[place:]:
            copied.do(choice)
        assert seen(copied.settle().happenings) == whole


def told(scenario: Scenario, choices: list[Choice]) -> list[tuple[str, Happening]]:
    world = World(scenario)
    for choice in choices:
        world.do(choice)
    return seen(world.settle().happenings)


def seen(happenings: list[Happening]) -> list[tuple[str, Happening]]:
    return [(type(each).__name__, each) for each in happenings]
