"""Several machines at a location: each has copies of its own, which is a choice, and a cause of what is found."""

from queue_emulator.explore import schedule, text_report
from queue_emulator.explore.behaviour import Behaviour
from queue_emulator.explore.causes import Target, replay, signs
from queue_emulator.explore.drawn import drawn
from queue_emulator.explore.draws import Draws
from queue_emulator.explore.explorer import examine
from queue_emulator.explore.history import Actor, calls
from queue_emulator.explore.options import options
from queue_emulator.explore.scenarios import Scenario, as_it_is, with_machines
from queue_emulator.explore.turns import Choice
from queue_emulator.explore.world import World

ONE = Scenario("one", (Actor("a", "SJC", ("list", "claim", "renew")),), ("new t1",), machines=2)
SECOND = Choice("a", machine=2)


def test_a_request_is_served_by_the_machine_that_is_chosen_to_its_end() -> None:
    world = World(ONE)
    for choice in (Choice("a"), SECOND, SECOND, Choice("a", machine=1), Choice("a"), Choice("a")):
        world.do(choice)
    assert [call.machine for call in calls(world.history.happenings)] == [1, 2]


def test_every_request_may_begin_on_another_machine_where_there_are_several() -> None:
    world = World(ONE)
    assert SECOND in options(world)
    assert all(choice.machine == 1 for choice in options(World(with_machines(as_it_is, 1)(Scenario("x", ONE.actors)))))
    world.do(Choice("a"))
    world.do(Choice("a"))
    assert SECOND not in options(world)


def test_a_holder_is_refused_on_a_machine_that_has_not_seen_its_lease_and_this_is_the_cause() -> None:
    target = Target("P11", ("renew",))
    begins = {0, 1, 6}
    made = [Choice("a", machine=2 if place == 6 else 1) for place in range(8)]
    assert begins
    far = Scenario("far", (Actor("b", "SJC", ("renew t1",)), *ONE.actors), ONE.before, machines=2)
    world = replay(far, [Choice("b", machine=2), *made])
    finding = examine(far, world.made, target, signs(world, target), 1)
    assert finding is not None
    assert (Behaviour.MACHINES,) in finding.causes
    assert "several machines, each with copies of its own" in text_report.needs(finding.causes)
    text = schedule.write(finding, text_report.needs(finding.causes))
    assert "renew t1     get queue:lease:t1 @2" in text
    replayed = schedule.replay(schedule.read(text, "machines"))
    assert (replayed.differs, replayed.broken is not None) == (None, True)


def test_drawn_schedules_use_all_machines() -> None:
    worlds = drawn(Draws(0, "swarm"), with_machines(as_it_is, 3))
    served = {choice.machine for _ in range(20) for choice, _ in next(worlds).made}
    assert served == {1, 2, 3}
