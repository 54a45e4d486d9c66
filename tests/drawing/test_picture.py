"""A story as a picture: what it says, that it fits, and that it needs neither colour nor eyes."""

import re
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from itertools import pairwise

import pytest

from queue_emulator.drawing.picture import picture
from queue_emulator.drawing.story import Bar, Begin, Chapter, End, Lane, Mood, Operation, Place, Story

READ = Operation(1, 0, 1, "get queue:lease:t1", "nothing", write=False, place=Place.CENTRE)
STALE = READ._replace(position=2, place=Place.COPY, beside=("2 s old", "STALE: not v4"), alarm=True)
WRITE = READ._replace(position=3, what="put queue:lease:t1", said="v5", write=True)
STORY = Story(
    name="one",
    title="P1 one holder: a holds t1, and so does b",
    says=(("Should hold", "Nobody else is told so."), ("It takes", "Copies.")),
    lanes=(Lane("a", "SJC"), Lane("b", "NRT", "old Worker")),
    moments=(Begin(1, 0, "a", "claim"), READ, STALE, WRITE, End(1, 1000, "200 t1", Mood.GOOD)),
    bars=(Bar("a", "a holds t1", 4), Bar("", "t1 is accepted", -1)),
    verdict="P1 is broken here",
    command="queue-emulator explore --replay one.schedule",
)
SVG = "{http://www.w3.org/2000/svg}"


def drawn(story: Story) -> ElementTree.Element:
    return ElementTree.fromstring(picture(story))


def texts(story: Story) -> list[str]:
    return [each.text or "" for each in drawn(story).iter(f"{SVG}text")]


def classes(story: Story, name: str) -> list[str]:
    return [each.get("class", "") for each in drawn(story).iter(f"{SVG}{name}")]


def repeated(count: int) -> tuple[Operation, ...]:
    return tuple(READ._replace(position=number) for number in range(1, count + 1))


def test_everything_is_written_in_the_picture() -> None:
    said = texts(STORY)
    for text in (
        STORY.title, "Nobody else is told so.", "SJC", "claim", "get queue:lease:t1", "nothing", "2 s old",
        "STALE: not v4", "put queue:lease:t1", "→ 200 t1", "a holds t1", "t1 is accepted", "+1 s", "P1 is broken here",
        "queue-emulator explore --replay one.schedule",
    ):  # fmt: skip
        assert text in said, text


def test_who_does_not_see_it_hears_it_all_in_order() -> None:
    root = drawn(STORY)
    title, description = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
    assert title is not None
    assert description is not None
    assert root.get("role") == "img"
    assert root.get("aria-labelledby") == f"{title.get('id')} {description.get('id')}"
    assert title.text == STORY.title
    assert (description.text or "").splitlines()[4:] == [
        "a asks: claim.",
        "1. a: get queue:lease:t1: nothing.",
        "2. a: get queue:lease:t1: nothing, from a copy, 2 s old, STALE: not v4.",
        "3. a: put queue:lease:t1: v5.",
        "1 s pass.",
        "a is answered: 200 t1.",
        "From here on: a holds t1.",
        "P1 is broken here.",
        "See it again: queue-emulator explore --replay one.schedule",
    ]


def test_writes_reads_and_answers_of_a_copy_differ_without_colour() -> None:
    lines = classes(STORY, "path")
    assert {"kr", "kc kx", "kw"} <= set(lines)
    style = picture(STORY)
    assert re.search(r"\.kw\{[^}]*stroke-width:2\.8", style)
    assert re.search(r"\.kr\{[^}]*stroke-width:1\.2", style)
    assert re.search(r"\.kc\{[^}]*stroke-dasharray", style)


def test_it_is_self_contained() -> None:
    svg = picture(STORY)
    assert "href" not in svg
    assert "http" not in svg.replace('xmlns="http://www.w3.org/2000/svg"', "")
    assert "<script" not in svg


def test_two_pictures_on_one_page_share_no_id() -> None:
    ids = [set(re.findall(r' id="([^"]+)"', picture(replace(STORY, name=name)))) for name in ("one", "two")]
    assert not ids[0] & ids[1]
    assert set(re.findall(r"url\(#([^)]+)\)", picture(STORY))) <= ids[0]


@pytest.mark.parametrize("lanes", [1, 2, 3, 4])
def test_up_to_four_lanes_of_two_locations_fit_into_1000_pixels(lanes: int) -> None:
    places = ("SJC", "NRT", "SJC", "NRT")
    story = replace(
        STORY,
        lanes=tuple(Lane(name, places[at]) for at, name in enumerate("abcd"[:lanes])),
        moments=tuple(Begin(at, 0, name, "claim") for at, name in enumerate("abcd"[:lanes])),
        bars=(),
    )
    root = drawn(story)
    assert root.get("width") == "1000"
    boxes = [each for each in root.iter(f"{SVG}rect") if each.get("class", "").startswith("x ")]
    spans = sorted((float(each.get("x", "")), float(each.get("width", ""))) for each in boxes)
    assert len(spans) == lanes
    assert all(one[0] + one[1] < other[0] for one, other in pairwise(spans))
    assert spans[-1][0] + spans[-1][1] <= 1000


def test_more_lanes_make_it_wider_and_not_unreadable() -> None:
    lanes = tuple(Lane(f"a{number}", "SJC") for number in range(8))
    story = replace(STORY, lanes=lanes, moments=tuple(Begin(at, 0, f"a{at}", "claim") for at in range(8)), bars=())
    assert int(drawn(story).get("width", "")) > 1500


def test_long_runs_of_operations_are_folded_but_for_what_is_to_be_looked_at() -> None:
    end = End(1, 0, "200", Mood.GOOD)
    folded = replace(STORY, moments=(STORY.moments[0], *repeated(60), end), bars=())
    assert "… 55 more: 55 get" in texts(folded)
    loud = STALE._replace(position=30)
    kept = replace(STORY, moments=(STORY.moments[0], *repeated(29), loud, *repeated(29), end), bars=())
    assert "STALE: not v4" in texts(kept)
    assert texts(kept).count("… 24 more: 24 get") == 2


def test_requests_that_repeat_are_folded() -> None:
    requests = [
        moment
        for number in range(1, 10)
        for moment in (
            Begin(number, number * 1000, "a", "run"),
            READ._replace(number=number, at_ms=number * 1000),
            End(number, number * 1000, "200", Mood.GOOD),
        )
    ]
    said = texts(replace(STORY, moments=tuple(requests), bars=(Bar("a", "a holds t1", 14),)))
    assert "… 7 times run (7 KV operations)" in said
    assert said.count("run") == 2
    assert "a holds t1" in said, "a bar that begins in what is left out is still there"


def test_a_long_key_is_broken_and_one_that_cannot_be_is_shortened() -> None:
    lanes = tuple(Lane(name, "SJC") for name in "abcd")
    begins = tuple(Begin(at, 0, name, "run") for at, name in enumerate("abcd"))
    long = READ._replace(number=0, what="get orchestrator:pending")
    endless = READ._replace(number=0, what="get " + "k" * 512)
    said = texts(replace(STORY, lanes=lanes, moments=(*begins, long, endless), bars=()))
    assert "get orchestrator:" in said
    assert "pending" in said
    assert any(re.fullmatch(r"get k+…k+", each) for each in said)


def test_keys_of_any_bytes_make_well_formed_xml() -> None:
    nasty = READ._replace(what="get <a>&\"'\x00\x1b[31m\ud800", said="]]>")
    said = texts(replace(STORY, moments=(STORY.moments[0], nasty), bars=()))
    assert "get <a>&\"'\ufffd\ufffd[31m\ufffd" in said


def test_a_part_of_its_own_has_its_own_lanes() -> None:
    moments = (
        *STORY.moments,
        Chapter(61_000, "When all has settled"),
        Begin(2, 61_000, "b", "list"),
        End(2, 61_000, "200", Mood.GOOD),
    )
    said = texts(replace(STORY, moments=moments))
    assert [each for each in said if each in ("SJC", "NRT", "When all has settled")] == [
        "SJC", "When all has settled", "NRT",
    ]  # fmt: skip
    assert said.count("t1 is accepted") == 2


def test_what_failed_is_crossed_and_what_was_not_done_goes_nowhere() -> None:
    failed = WRITE._replace(said="FAILS: 429 Too Many Requests", place=Place.NOWHERE, alarm=True)
    moments = (STORY.moments[0], failed, End(1, 0, "500", Mood.BAD))
    story = replace(STORY, moments=moments, bars=())
    assert classes(story, "path").count("kw kx") == 3
    assert "x bad" in classes(story, "rect")


def test_a_story_in_which_nothing_happens_is_its_words() -> None:
    assert STORY.title in texts(replace(STORY, moments=(), bars=()))


def test_a_request_that_still_runs_says_so_below_its_last_operation() -> None:
    tree = ElementTree.fromstring(picture(replace(STORY, moments=STORY.moments[:-1], bars=(), verdict="")))
    ys = {each.text: float(each.get("y", 0)) for each in tree.iter(f"{SVG}text")}
    assert ys["still runs"] - ys["v5"] >= 12
