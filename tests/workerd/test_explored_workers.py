"""A Worker in JavaScript under `explore`: it stands before each KV operation; nothing happens that is not chosen."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from queue_emulator import cli
from queue_emulator.core.errors import EmulatorError, SettingsError
from queue_emulator.exploration import first_finding, read_scenario, replayed, scenario, with_guarantees
from queue_emulator.explore import schedule, text_report
from queue_emulator.explore.common import no_5xx
from queue_emulator.explore.deployed import answering
from queue_emulator.explore.history import Actor, Call, Step, calls
from queue_emulator.explore.scenarios import FAULTS, KILLED, Answered, Scenario
from queue_emulator.explore.turns import AT_ONCE_MS, MINUTE_MS, Choice
from queue_emulator.explore.user_worker import Own
from queue_emulator.explore.world import World
from queue_emulator.workerd.bindings import WorkerFlags

Start = Callable[[str], AbstractContextManager["Started"]]
A, B = Actor("a", "SJC", ("GET /1", "GET /2")), Actor("b", "NRT", ("GET /1", "GET /2"))


class Started:
    """A Worker that can be asked in as many worlds as one likes."""

    def __init__(self, answered: Answered) -> None:
        self._answered = answered

    def world(self, *actors: Actor, before: Sequence[str] = (), operations_max: int = 1000) -> World:
        own = Own(None, {each.id: each for each in (no_5xx(),)})
        scenario = Scenario(
            "own", actors, tuple(before), operations_max=operations_max, faults=FAULTS, subject=own, page_max=1000
        )
        return World(self._answered(scenario))


@pytest.fixture
def start(tmp_path: Path, workerd: Path) -> Start:
    @contextmanager
    def one(code: str) -> Iterator[Started]:
        main = tmp_path / "worker.mjs"
        main.write_text(
            code if "export" in code else f"export default {{ async fetch(request, env, ctx) {{ {code} }} }}"
        )
        own = Scenario("own", (A, B), subject=Own(None, {"x": no_5xx()}))
        with answering([own], WorkerFlags(main), workerd=workerd) as answered:
            yield Started(answered)

    return one


def whole(world: World, *actors: str) -> list[Call]:
    """Each actor's next request to its end; all requests so far."""
    for name in actors:
        world.do(Choice(name))
        world.finish(name)
    return calls(world.history.happenings)


def steps(world: World) -> list[tuple[str, str, str]]:
    found = [each for each in world.history.happenings if isinstance(each, Step)]
    return [(each.call.actor.name, each.kind, each.key.decode()) for each in found]


def test_operations_wait_for_their_turn_and_belong_to_who_asks(start: Start) -> None:
    with start('await env.CACHE.get("x"); await env.CACHE.put("x", "1"); return new Response(request.url)') as started:
        world = started.world(A, B)
        for name in "abba":
            world.do(Choice(name))
        assert steps(world) == [("a", "get", "x"), ("b", "get", "x"), ("b", "put", "x"), ("a", "put", "x")]
        assert [call.body for call in calls(world.history.happenings)] == ["http://worker.example/1"] * 2


def test_what_is_asked_at_once_is_done_in_the_order_of_the_code(start: Start) -> None:
    keys = [f"{number * 37 % 100:02}" for number in range(12)]
    with start(f"await Promise.all({keys}.map((key) => env.CACHE.get(key))); return new Response()") as started:
        for _ in range(20):
            world = started.world(A)
            whole(world, "a", "a")
            assert [key for _, _, key in steps(world)] == keys * 2


def test_the_clock_stands_until_it_is_moved_also_within_a_request(start: Start) -> None:
    body = (
        "const first = Date.now(); await env.CACHE.get('x'); await env.CACHE.get('y');"
        "return Response.json([first, Date.now(), +new Date(), performance.now(), Date(), +new Date(0)])"
    )
    with start(body) as started:
        world = started.world(A, B)
        begin_ms = world.clock.at_ms
        for choice in (Choice("a", AT_ONCE_MS), Choice("b", MINUTE_MS), Choice("a", AT_ONCE_MS)):
            world.do(choice)
        text = "Thu Jan 01 2026 12:01:00 GMT+0000 (Coordinated Universal Time)"
        (a, _) = calls(world.history.happenings)
        assert a.body == [begin_ms, *[begin_ms + 60_000] * 3, text, 0]


def test_a_timer_rings_when_nothing_else_can_happen_and_takes_its_time(start: Start) -> None:
    body = (
        "const slow = new Promise((resolve) => setTimeout(resolve, 5000, 'slow'));"
        "const first = await Promise.race([slow, env.CACHE.get('x').then(() => 'read')]);"
        "await slow; await scheduler.wait(1000); const before = Date.now(); clearTimeout(setTimeout(() => {}, 10));"
        "return Response.json([first, before])"
    )
    with start(body) as started:
        world = started.world(A)
        begin_ms = world.clock.at_ms
        (call,) = whole(world, "a")
        assert call.body == ["read", begin_ms + 6000]
        assert steps(world) == [("a", "get", "x")]


@pytest.mark.parametrize(
    "waits",
    [
        "ctx.waitUntil((async () => { for (;;) await scheduler.wait(1000); })())",
        "for (;;) { await scheduler.wait(1000); await env.CACHE.get('x').catch(() => {}) }",
    ],
)
def test_a_worker_that_waits_without_end_is_refused_by_name(waits: str, start: Start) -> None:
    with start(f"{waits}; return new Response()") as started:
        world = started.world(A)
        with pytest.raises(EmulatorError, match=r"more than 1000 timers ring in one request of the Worker, and"):
            whole(world, "a")


def test_a_request_that_is_answered_as_before_is_not_run_each_time(start: Start) -> None:
    code = (
        "let runs = 0; export default { async fetch(request, env) { runs++; await env.CACHE.get('x');"
        " return Response.json(request.url.endsWith('1') ? 0 : runs) } }"
    )
    with start(code) as started:
        for _ in range(10):
            world = started.world(replace(A, script=("GET /1",)))
            (call,) = whole(world, "a")
            assert (call.body, steps(world)) == (0, [("a", "get", "x")])
        (call,) = whole(started.world(replace(A, script=("GET /2",))), "a")
        assert call.body == 3


def test_a_worker_that_keeps_something_between_requests_is_run_for_each(start: Start) -> None:
    code = (
        "let runs = 0; export default { async fetch(request, env) { runs++; await env.CACHE.get('x');"
        " if (runs === 2) await env.CACHE.get('y'); return Response.json(runs) } }"
    )
    with start(code) as started:
        found = []
        for _ in range(5):
            world = started.world(replace(A, script=("GET /1",)))
            (call,) = whole(world, "a")
            found.append((call.body, [key for _, _, key in steps(world)]))
        assert found == [(1, ["x"]), (2, ["x", "y"]), *((runs, ["x"]) for runs in (3, 4, 5))]


def test_what_is_known_of_a_request_is_known_of_the_time_and_chance_that_it_has_seen(start: Start) -> None:
    body = (
        "await env.CACHE.get('x'); const given = await env.CACHE.get('y');"
        "if (request.url.endsWith('2')) return new Response(given);"
        "return Response.json([Date.now(), Math.random()])"
    )
    with start(body) as started:
        found = []
        for pause_ms in (AT_ONCE_MS, MINUTE_MS, AT_ONCE_MS, MINUTE_MS) * 2:
            world = started.world(A)
            world.do(Choice("a", AT_ONCE_MS))
            world.do(Choice("a", pause_ms))
            world.do(Choice("a", AT_ONCE_MS))
            found.append([call.body for call in calls(world.history.happenings)])
        assert found == found[:2] * 4
        assert found[0] != found[1]


def test_chance_is_the_same_in_each_run_and_another_in_another_request(start: Start) -> None:
    body = (
        "return Response.json([Math.random(), crypto.randomUUID(), crypto.getRandomValues(new Uint8Array(4)).join()])"
    )
    with start(body) as started:
        first, second = ([call.body for call in whole(started.world(A), "a", "a")] for _ in range(2))
        assert first == second
        assert first[0] != first[1]


def test_what_is_left_for_after_the_answer_is_done_before_it(start: Start) -> None:
    with start('ctx.waitUntil(env.CACHE.put("x", "1")); return new Response("done")') as started:
        world = started.world(A)
        (call,) = whole(world, "a")
        assert (call.body, steps(world)) == ("done", [("a", "put", "x")])


def test_a_run_that_is_killed_does_nothing_more_and_the_next_request_is_its_own(start: Start) -> None:
    with start('for (const key of "xyz") await env.CACHE.put(key, "1"); return new Response()') as started:
        for _ in range(10):
            world = started.world(A)
            world.do(Choice("a"))
            world.do(Choice("a", fault=KILLED))
            whole(world, "a")
            assert [key for _, _, key in steps(world)] == ["x", "y", "x", "y", "z"]
            assert [call.status for call in calls(world.history.happenings)] == [0, 200]


def test_a_budget_is_that_of_one_request_and_what_is_thrown_is_told(start: Start) -> None:
    with start('await env.CACHE.get("a"); await env.CACHE.get("b"); return new Response()') as started:
        world = started.world(A, operations_max=1)
        (call,) = whole(world, "a")
        assert call.status == 500
        assert str(call.body).startswith("Too many API requests by single Worker invocation.")


def test_a_class_is_a_worker_too(start: Start) -> None:
    code = (
        'import { WorkerEntrypoint } from "cloudflare:workers"; export default class extends WorkerEntrypoint {'
        ' async fetch(request) { this.ctx.waitUntil(this.env.CACHE.put("x", "1")); return new Response("class") } }'
    )
    with start(code) as started:
        world = started.world(A)
        (call,) = whole(world, "a")
        assert (call.body, steps(world)) == ("class", [("a", "put", "x")])


COUNTER = """
let asked = 0;
export default {
  async fetch(request, env) {
    const { pathname } = new URL(request.url);
    if (pathname === "/odd") return new Response(null, { status: asked++ ? 200 : 500 });
    const count = Number((await env.COUNTS.get("count")) ?? 0) + 1;
    await env.COUNTS.put("count", String(count));
    return Response.json({ count });
  },
};
"""
FILE = """
worker = "worker.mjs"
binding = "COUNTS"
guarantees = ["counts.py:every_increment_counts"]
[[actor]]
name = "a"
asks = ["POST /count"]
[[actor]]
name = "b"
at = "NRT"
asks = ["POST /count"]
"""
COUNTS = """
from queue_emulator.exploration import no_lost_update
def total(seen):
    return int(seen.value("count") or 0)
every_increment_counts = no_lost_update(lambda answer: 1 if answer.ok else None, total)
"""


def test_a_worker_and_a_guarantee_of_one_s_own_in_a_file_and_in_a_test(
    tmp_path: Path, workerd: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, text in (("worker.mjs", COUNTER), ("mine.toml", FILE), ("counts.py", COUNTS)):
        Path(name).write_text(text)
    found = ("explore", "--scenario", "mine.toml", "--workerd", str(workerd), "--schedules", "20", "--out", "found")
    assert cli.main((*found, "--binding", "COUNTS", "--worker", "worker.mjs")) == 1
    assert "NO LOST UPDATE" in capsys.readouterr().out
    (written,) = Path("found").glob("*.schedule")
    monkeypatch.setenv("PATH", str(workerd.parent), prepend=":")
    finding = first_finding(read_scenario(Path("mine.toml")), schedules=20)
    assert finding is not None
    assert schedule.write(finding, text_report.needs(finding.causes)) == written.read_text()
    assert replayed(read_scenario(Path("mine.toml")), written) is not None
    odd = scenario(tmp_path / "worker.mjs", [Actor("a", "SJC", ("GET /odd",) * 3)], binding="COUNTS")
    assert first_finding(with_guarantees(odd, [no_5xx()]), schedules=20) is None, "it does not happen again"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ('await fetch("https://example.com/x"); return new Response()', "fetches from example.com"),
        ("const [one] = Object.values(new WebSocketPair())", r"opens WebSockets \(WebSocketPair\)"),
        ('await (await import("node:timers/promises")).setTimeout(1)', "has timers that cannot be controlled"),
    ],
)
def test_what_is_beyond_control_is_refused_by_its_name(body: str, said: str, start: Start) -> None:
    with pytest.raises(SettingsError, match=said), start(body) as started:
        whole(started.world(A), "a")


def test_a_module_that_is_missing_is_told_with_what_to_do(start: Start) -> None:
    with pytest.raises(SettingsError, match="hono is not a relative path"), start("import 'hono'; export default {};"):
        pass


def test_a_worker_that_is_another_language_or_needs_more_than_kv_is_refused(tmp_path: Path, workerd: Path) -> None:
    (tmp_path / "worker.ts").write_text("export default {}")
    (tmp_path / "worker.mjs").write_text("export default { fetch() {} }")
    (tmp_path / "wrangler.toml").write_text(
        'main = "worker.mjs"\n[[durable_objects.bindings]]\nname = "ROOM"\nclass_name = "Room"\n'
    )
    own = Scenario("own", (A,), subject=Own(None, {"x": no_5xx()}))
    for named, said in (("worker.ts", "npx wrangler deploy --dry-run --outdir dist"), ("", "Durable Object ROOM")):
        with pytest.raises(EmulatorError, match=said), answering([own], WorkerFlags(tmp_path / named), workerd=workerd):
            pass


ENDLESS = "const endless = new ReadableStream({ pull(to) { to.enqueue(new Uint8Array(1 << 20)); } });"


@pytest.mark.parametrize(
    ("sent", "why"),
    [
        ("return new Response(endless)", "an answer of more than 67108864 bytes"),
        ('await env.CACHE.put("k", endless)', "goes on after 67,108,864 bytes, the most that is explored"),
    ],
)
def test_a_body_without_an_end_is_not_read_for_ever(start: Start, sent: str, why: str) -> None:
    with start(f"{ENDLESS} {sent};") as started, pytest.raises(EmulatorError, match=why):
        whole(started.world(A), "a")


@pytest.mark.parametrize("size", [20_000, 300_000, 900_000])
def test_a_worker_that_reads_nothing_of_a_body_is_asked_again(start: Start, size: int) -> None:
    """On its way to the Worker a body of 300,000 bytes is more than what lies there unread."""
    code = "const got = await env.CACHE.get('v', 'stream'); return new Response(`${request.method} ${got !== null}`);"
    actor = Actor("a", "SJC", (f"POST /1 {'x' * size}",) * 3 + ("GET /é",))
    with start(code) as started:
        world = started.world(actor, before=[f'"v" = "{"x" * size}"'])
        assert [call.body for call in whole(world, *"aaaa")] == ["POST true"] * 3 + ["GET true"]


def test_a_worker_that_asks_for_a_timer_of_its_own_is_told_what_any_other_request_is(start: Start) -> None:
    """By the address that the emulator gives to timers, with a time that is none."""
    code = 'for (const time of ["x", "-1", "9".repeat(30), ""]) await fetch(`http://timer.emulator.invalid/${time}`);'
    with start(f"{code} return new Response();") as started, pytest.raises(EmulatorError, match="fetch"):
        whole(started.world(A), "a")
