"""The ready guarantees: each is broken by a Worker that does not give it, and by no Worker that does."""

from collections.abc import Sequence
from itertools import count
from types import SimpleNamespace

import pytest

from queue_emulator.core.javascript import Json
from queue_emulator.exploration import (
    Actor,
    Answer,
    Guarantee,
    Request,
    Response,
    eventually_equal,
    first_finding,
    mutual_exclusion,
    read_your_writes,
    scenario,
    with_guarantees,
)

ENOUGH = 60  # schedules


def broken(worker: object, actors: Sequence[Actor], kept: Guarantee, *, at_end: Sequence[str] = ()) -> str | None:
    """What of the guarantee is found broken."""
    of = with_guarantees(scenario(worker, actors, at_end=at_end), [kept])  # type: ignore[arg-type]
    finding = first_finding(of, schedules=ENOUGH)
    return None if finding is None else finding.broken.why


async def lock(request: Request, env: SimpleNamespace) -> Response:
    """Looks whether it is free, and takes it."""
    if request.method == "DELETE":
        await env.CACHE.delete("lock")
        return Response.json({})
    if await env.CACHE.get("lock") is not None:
        return Response.json({"busy": True}, status=409)
    await env.CACHE.put("lock", "taken")
    return Response.json({})


def taken(answer: Answer) -> str | None:
    return "the lock" if answer.method == "POST" and answer.ok else None


def given_back(answer: Answer) -> str | None:
    return "the lock" if answer.method == "DELETE" else None


ONE_LOCK = mutual_exclusion(taken, given_back)


def test_a_lock_in_kv_is_taken_by_two() -> None:
    why = broken(lock, [Actor("a", "SJC", ["POST /"]), Actor("b", "NRT", ["POST /"])], ONE_LOCK)
    assert why in ("a has the lock, and b is given it too", "b has the lock, and a is given it too")


def test_who_gives_it_back_before_the_next_one_takes_it_excludes_nobody() -> None:
    assert broken(lock, [Actor("a", "SJC", ["POST /", "DELETE /", "POST /"])], ONE_LOCK) is None


def test_what_lasts_no_longer_is_nobodys() -> None:
    actors = [Actor("a", "SJC", ["POST /"]), Actor("b", "NRT", ["POST /"])]
    assert broken(lock, actors, mutual_exclusion(taken, given_back, lasts_s=0)) is None


async def notes(request: Request, env: SimpleNamespace) -> Response:
    if request.method == "PUT":
        await env.CACHE.put("note", await request.text())
        return Response.json({})
    return Response.json({"note": await env.CACHE.get("note")})


async def shouting(request: Request, env: SimpleNamespace) -> Response:
    """Does not keep what it was given."""
    if request.method == "PUT":
        await env.CACHE.put("note", (await request.text()).upper())
        return Response.json({})
    return Response.json({"note": await env.CACHE.get("note")})


def wrote(answer: Answer) -> tuple[str, Json] | None:
    return ("the note", answer.sent) if answer.method == "PUT" else None


def read(answer: Answer) -> tuple[str, Json] | None:
    return ("the note", answer.member("note")) if answer.method == "GET" else None


OWN_WRITES = read_your_writes(wrote, read)
WRITER = Actor("a", "SJC", ["PUT / mine", "GET /"])


def test_a_worker_that_changes_what_is_written_breaks_it() -> None:
    assert broken(shouting, [WRITER], OWN_WRITES) == "a wrote 'mine' to the note, and reads 'MINE'"


@pytest.mark.parametrize("others", [[], [Actor("b", "SJC", ["PUT / theirs"])]], ids=["alone", "beside another"])
def test_one_that_keeps_it_does_not_also_where_another_writes_in_between(others: list[Actor]) -> None:
    assert broken(notes, [WRITER, *others], OWN_WRITES) is None


def test_a_worker_that_tells_each_reader_something_else_is_never_equal() -> None:
    numbers = count()

    async def dice(request: Request, env: SimpleNamespace) -> Response:
        await env.CACHE.get("note")
        return Response.json({"note": next(numbers)})

    why = broken(dice, [WRITER], eventually_equal(read), at_end=["GET /"])
    assert why is not None
    assert why.startswith("the note is ")


def test_a_value_that_two_locations_write_is_the_same_a_minute_later() -> None:
    actors = [Actor("a", "SJC", ["PUT / mine", "GET /"]), Actor("b", "NRT", ["GET /", "PUT / theirs"])]
    assert broken(notes, actors, eventually_equal(read), at_end=["GET /"]) is None
