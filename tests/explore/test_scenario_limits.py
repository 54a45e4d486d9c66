"""A scenario that somebody else wrote is bounded: each bound is told with what there is, before anything is started."""

from pathlib import Path

import pytest

from queue_emulator import cli
from queue_emulator.core.errors import EmulatorError, SettingsError
from queue_emulator.exploration import Actor, Request, Response, read_scenario, scenario, with_guarantees
from queue_emulator.explore import schedule
from queue_emulator.explore.causes import replay
from queue_emulator.explore.history import Ended
from queue_emulator.explore.turns import Choice
from queue_emulator.worker.answers import JSON_TYPE

ACTOR = "[[actor]]\nname = 'a'\nasks = ['GET /']\n"
LONG = "x" * 8_000


def many(line: str, count: int) -> str:
    return ", ".join(line.format(number) for number in range(count))


@pytest.mark.parametrize(
    ("toml", "said"),
    [
        ("actor = [" + many("{{name = 'a{}', asks = []}}", 51) + "]", "51 actors"),
        ("actor = [{name = 'a', asks = [" + many("'GET /'", 1_001) + "]}]", "1,001 requests of its actors"),
        ("at_end = [" + many("'GET /'", 101) + "]\n" + ACTOR, "202 requests at the end, at all locations together"),
        ("end_locations = [" + many("'SJC'", 201) + "]\n" + ACTOR, "201 locations at the end"),
        ("before = {" + many("k{} = 'x'", 1_001) + "}\n" + ACTOR, "1,001 entries before it begins"),
        ("before = {a = '" + LONG + "'}\n" + ACTOR, "an entry has at most 8,000 characters"),
        ("before = {'' = 'x'}\n" + ACTOR, "initial data: Key name cannot be empty."),
        ("before = {" + "k" * 513 + " = 'x'}\n" + ACTOR, "UTF-8 encoded length of 513 exceeds key length limit of 512"),
        ("versions = {" + many("v{} = 'w.mjs'", 9) + "}\n" + ACTOR, "9 versions"),
        ("headers = {" + many("X-{} = 'x'", 51) + "}\n" + ACTOR, "51 headers"),
        ("headers = {a = '" + LONG + "'}\n" + ACTOR, "8,001 characters in its headers"),
        ('headers = {"a\\r\\nb" = "c"}\n' + ACTOR, "a header is a name of letters, digits and hyphens"),
        ('headers = {a = "b\\r\\nc: d"}\n' + ACTOR, "and a value of visible ASCII characters"),
        ("headers = {content-length = '5'}\n" + ACTOR, "the header content-length is written by the runtime"),
        ("headers = {Transfer-Encoding = 'x'}\n" + ACTOR, "the header Transfer-Encoding is written by the runtime"),
        ("actor = [{name = 'a', asks = ['GET /" + LONG + "']}]", "a request has at most 8,000 characters"),
        ("at_end = ['POST / " + LONG + "']\n" + ACTOR, "a request has at most 8,000 characters"),
        ("page = " + "1" * 5_000, "not valid TOML: a number has at most 4,300 digits"),
        (".".join("a" * 400_000) + " = 1", "not valid TOML: a key has at most 32 names joined by dots"),
    ],
)
def test_what_is_too_much_is_refused_in_one_line(toml: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "s.toml").write_text("worker = 'w.mjs'\nguarantees = ['no-5xx']\n" + toml)
    with pytest.raises(SettingsError) as refused:
        read_scenario(tmp_path / "s.toml")
    count, _, what = said.partition(" ")
    assert (f"{what}, this has {count}" if count[0].isdigit() else said) in str(refused.value)
    assert len(str(refused.value)) < 400
    assert "\n" not in str(refused.value)


async def tells(request: Request, env: object) -> Response:
    """Half of a surrogate pair, which JSON can have and no request."""
    return Response.json({"half": "\ud800", "large": "x" * 9_000, "was": await request.text()})


def asked(*script: str) -> object:
    of = with_guarantees(scenario(tells, [Actor("a", "SJC", script)]), [lambda seen: None])
    history = replay(of, [Choice("a")] * len(script)).history
    return [each.call.body for each in history.happenings if isinstance(each, Ended)][-1]


def test_half_of_a_character_that_was_kept_is_sent_as_javascript_sends_it() -> None:
    assert asked("GET / | half = half", "POST / <$half>") == {"half": "\ud800", "large": "x" * 9_000, "was": "<\ufffd>"}


@pytest.mark.parametrize(
    ("content", "content_type", "body"),
    [
        (b"a\xff\xed\xa0\x80", "text/plain", "a\ufffd\ufffd\ufffd\ufffd"),
        (b'{"a": "\xff"}', JSON_TYPE, {"a": "\ufffd"}),
        (b"{", JSON_TYPE, "{"),
        (b"[" * 200_000, JSON_TYPE, "[" * 200_000),
    ],
    ids=["text", "json", "no-json", "deep"],
)
def test_an_answer_that_is_no_utf_8_or_no_json_is_a_text(content: bytes, content_type: str, body: object) -> None:
    async def worker(request: Request, env: object) -> Response:
        return Response(content, content_type=content_type)

    of = with_guarantees(scenario(worker, [Actor("a", "SJC", ("GET /",))]), [lambda seen: None])
    (ended,) = (each for each in replay(of, [Choice("a")]).history.happenings if isinstance(each, Ended))
    assert ended.call.body == body


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("GET /$large", "the path of a request has at most 8,000 characters, and '/$large' has 9,001"),
        (f"POST / {'$large' * 112}", "the body of a request has at most 1,000,000 characters"),
    ],
)  # fmt: skip
def test_what_was_kept_makes_no_request_too_large(line: str, said: str) -> None:
    with pytest.raises(EmulatorError) as refused:
        asked("GET / | large = large", line)
    assert said in str(refused.value)


def test_a_scenario_has_a_hundred_guarantees_at_most(tmp_path: Path) -> None:
    (tmp_path / "s.toml").write_text("guarantees = [" + many("'x.py:x'", 101) + "]\n" + ACTOR)
    with pytest.raises(SettingsError, match="at most 100 guarantees, this has 101"):
        read_scenario(tmp_path / "s.toml")


@pytest.mark.parametrize("entry", [r'"\ud800" = "x"', r'"" = "x"', f'"{"k" * 513}" = "x"'])
def test_a_schedule_brings_no_key_that_kv_refuses(entry: str) -> None:
    of = with_guarantees(scenario(tells, [Actor("a", "SJC", ())]), [lambda seen: None])
    text = f"{schedule.FIRST_LINE}\nscenario s.toml\nbefore {entry}\nbroken <lambda>\n"
    with pytest.raises(SettingsError, match="line 3: initial data: "):
        schedule.read(text, "s.schedule", of)


def test_the_longest_request_and_entry_can_be_replayed(tmp_path: Path) -> None:
    (tmp_path / "w.py").write_text(
        "from queue_emulator.exploration import Response\n"
        "async def worker(request, env):\n    await env.CACHE.put('/' * 500, 'x')\n    return Response('')\n"
        "def never(seen):\n    return 'it was asked' if seen.answers else None\n"
    )
    file = tmp_path / "s.toml"
    file.write_text(
        f"worker = 'w.py:worker'\nguarantees = ['w.py:never']\nbefore = {{a = '{'x' * 7_990}'}}\n"
        f"[[actor]]\nname = 'a'\nasks = ['PUT / {'p' * 7_994}']\n"
    )
    assert cli.main(["explore", "--scenario", str(file), "--schedules", "3", "--out", str(tmp_path)]) == 1
    (written,) = tmp_path.glob("*.schedule")
    assert cli.main(["explore", "--replay", str(written), "--scenario", str(file)]) == 1


@pytest.mark.parametrize("line", [f"scenario   x{' ' * 900_000}y", f"a x{' ' * 9_000}y"])
def test_a_schedule_with_many_spaces_is_refused_as_soon_as_another(line: str) -> None:
    text = f"{schedule.FIRST_LINE}\nbroken P1 claim claim\nactor a at SJC on new: claim\n{line}\n"
    schedule.scenario_of(text)
    with pytest.raises(SettingsError, match="line 4"):
        schedule.read(text, "s.schedule")
