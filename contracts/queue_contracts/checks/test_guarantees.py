"""What a caller may rely on over a KV that is seen late: own writes at one location, all of them after a minute."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from queue_contracts.checks.client import Client
from queue_contracts.checks.description import Description
from queue_contracts.checks.guarantees import (
    BY_THE_ROUTES,
    WITH_MOVED_TIME,
    WITH_TASKS,
    Guarantee,
    Place,
    Stage,
    every_guarantee,
)
from queue_contracts.checks.settling import moved_time, real_time
from queue_contracts.sending.guard import PartMissing
from queue_contracts.sending.parts import Parts
from queue_contracts.targets.control import Control
from queue_contracts.targets.formats import Format, in_format
from queue_contracts.targets.storage import Storage, open_storage
from queue_contracts.targets.target import LOCATION_HEADER, Ability, Target
from queue_contracts.untrusted.deadline import open_client

pytestmark = [pytest.mark.slow, pytest.mark.requests(150)]


@pytest.fixture(scope="session")
def stage(
    request: pytest.FixtureRequest,
    target: Target,
    late_target: Target,
    description: Description,
    own_id: Callable[[str], str],
    parts: Parts,
) -> Iterator[Stage]:
    """The late target, from each of its locations."""
    with ExitStack() as opened:
        places = []
        for location in late_target.locations or ("",):
            headers = {LOCATION_HEADER: location} if location else {}
            http = opened.enter_context(open_client())
            http.headers.update(headers)
            places.append(Place(location or late_target.name, Client(late_target, description, http)))
        http = places[0].client.http
        movable = late_target.can(Ability.RESET, Ability.MOVE_TIME)
        passing = moved_time(Control(late_target, http)) if movable else real_time()
        storage = open_storage(late_target, http)
        if storage is not None:
            storage = tidied(request) if late_target is target else in_format(storage, parts.format)
        shared_list = parts.format in (Format.OLD, Format.DUAL)
        yield Stage(places[0], tuple(places[1:]), passing, own_id, storage, shared_list)


def tidied(request: pytest.FixtureRequest) -> Storage:
    """The fixture that leaves the KV of a target as it was found."""
    storage: Storage = request.getfixturevalue("storage")
    return storage


def said(guarantee: Guarantee) -> str:
    return guarantee.__name__.replace("_", " ")


def keep(guarantee: Guarantee, stage: Stage, record_property: Callable[[str, object], None]) -> None:
    if stage.shared_list:
        stage.between_writes()  # the guarantee before has written it a moment ago
    try:
        for seen in guarantee(stage):
            record_property("settled", f"{said(guarantee)}: {seen}")
    except PartMissing:
        if stage.passing.moved and stage.storage is not None:
            stage.storage.reset()  # the next one must not claim what this one has left behind
        raise


@pytest.mark.isolated
@pytest.mark.parametrize("guarantee", BY_THE_ROUTES, ids=said)
def test_a_guarantee_about_results_is_kept(
    guarantee: Guarantee, stage: Stage, record_property: Callable[[str, object], None]
) -> None:
    keep(guarantee, stage, record_property)


@pytest.mark.isolated
@pytest.mark.needs(Ability.SEED)
@pytest.mark.parametrize("guarantee", WITH_TASKS, ids=said)
def test_a_guarantee_about_tasks_is_kept(
    guarantee: Guarantee, stage: Stage, record_property: Callable[[str, object], None]
) -> None:
    keep(guarantee, stage, record_property)


@pytest.mark.disposable
@pytest.mark.needs(Ability.MOVE_TIME)
@pytest.mark.parametrize("guarantee", WITH_MOVED_TIME, ids=said)
def test_a_guarantee_that_takes_a_minute_is_kept(
    guarantee: Guarantee, stage: Stage, record_property: Callable[[str, object], None]
) -> None:
    keep(guarantee, stage, record_property)


def test_every_guarantee_is_tested_once() -> None:
    assert len(set(every_guarantee())) == len([*BY_THE_ROUTES, *WITH_TASKS, *WITH_MOVED_TIME])
