"""`Date` in a Worker shows the emulator's clock, in either format; timers are real."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from queue_emulator.core.clock import MovableClock
from tests.workerd.conftest import Deploy
from tests.workerd.deployed import deployed

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

DATES = """
    class Later extends Date {}
    const dates = () => ({
      now: Date.now(), made: new Date().getTime(), said: Date().slice(0, 15), given: new Date(2000, 0).getFullYear(),
      parsed: Date.parse("2001-01-01"), utc: Date.UTC(2002, 0), kind: new Date() instanceof Date,
      constructor: new Date().constructor === Date, later: new Later() instanceof Later && new Later().getTime(),
      name: Date.name, length: Date.length,
    });
"""
MODULE = (
    DATES
    + """
    export class Other {}
    export default {
      async fetch(request, env) {
        const { pathname } = new URL(request.url);
        if (pathname === "/poll") {
          const begun = Date.now();
          console.log("begun");
          while (Date.now() === begun) await scheduler.wait(1);
          return Response.json(Date.now() - begun);
        }
        if (pathname === "/kv") {
          const begun = Date.now();
          await env.CACHE.get("k");
          return Response.json(Date.now() - begun);
        }
        return Response.json({ ...dates(), headers: [...request.headers.keys()] });
      },
    };
"""
)
SCRIPT = (
    DATES
    + """
    addEventListener("fetch", (event) => event.respondWith(Response.json(dates())));
"""
)


def instant(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


@pytest.mark.parametrize("source", [MODULE, SCRIPT], ids=["module", "script"])
async def test_every_way_to_the_present_shows_the_emulator_s_clock(
    deploy: Deploy, clock: MovableClock, source: str
) -> None:
    worker = await deploy(source, locations=("SJC", "NRT"))
    for text in ("2026-11-23T12:00:00", "2027-02-01T00:00:00", "1999-12-31T23:59:59"):
        at_ms = instant(text)
        clock.set(at_ms)
        for location in ("SJC", "NRT"):
            said = await worker.json(at=location)
            assert (said["now"], said["made"], said["later"]) == (at_ms, at_ms, at_ms)
            assert said["said"] == f"{datetime.fromisoformat(text):%a %b %d %Y}"
            assert (said["given"], said["parsed"], said["utc"]) == (2000, instant("2001-01-01"), instant("2002-01-01"))
            assert (said["kind"], said["constructor"], said["name"], said["length"]) == (True, True, "Date", 7)
            assert not any("emulator" in name for name in said.get("headers", ()))


async def test_a_clock_that_runs_again_runs_in_the_worker(deploy: Deploy, clock: MovableClock) -> None:
    worker = await deploy(MODULE)
    clock.resume()
    before_ms = clock.now_ms()
    said = await worker.json()
    assert before_ms <= said["now"] <= clock.now_ms()
    clock.advance(3_600_000)
    said = await worker.json()
    assert before_ms + 3_600_000 <= said["now"] <= clock.now_ms()


async def test_a_run_that_is_under_way_sees_the_clock_move(deploy: Deploy, clock: MovableClock) -> None:
    begun = asyncio.Event()
    worker = await deploy(MODULE, logging=lambda line: begun.set())
    polling = asyncio.ensure_future(worker.json("/poll"))
    await begun.wait()
    clock.advance(90_000)
    assert await polling == 90_000


async def test_a_delay_of_kv_has_passed_when_its_answer_is_there(deploy: Deploy) -> None:
    worker = await deploy(MODULE)
    await worker.control("faults", {"verdict": "delay", "for_s": 7, "operation": "get"})
    assert await worker.json("/kv") == 7000


async def test_a_runtime_that_was_started_again_is_told_again(deploy: Deploy, clock: MovableClock) -> None:
    worker = await deploy(MODULE)
    clock.advance(1000)
    assert (await worker.json())["now"] == clock.now_ms()
    await worker.running.workerd.start_again()
    assert (await worker.json())["now"] == clock.now_ms()


async def test_the_console_of_each_location_is_shown_as_the_runtime_formats_it(deploy: Deploy) -> None:
    source = """
        export default { fetch() {
          console.log(new Map([["a", 1]]), [1, { b: 2 }]);
          console.warn("warn %s x", "y", 5n);
          console.log();
          console.error(undefined, null);
          return new Response();
        } };
    """
    worker = await deploy(source, locations=("SJC", "NRT"))
    await worker.get(at="NRT")
    assert [line for line in worker.logged if "worker" in line] == [
        "  worker NRT: Map(1) { 'a' => 1 } [ 1, { b: 2 } ]",
        "  worker NRT: warn y x 5n",
        "  worker NRT: ",
        "  worker NRT: undefined null",
    ]


async def test_with_real_date_it_is_the_machine_s_time(tmp_path: Path, workerd: Path, clock: MovableClock) -> None:
    main = tmp_path / "worker.mjs"
    main.write_text(MODULE)
    before_ms = datetime.now(UTC).timestamp() * 1000
    async with deployed(main, workerd, clock, real_date=True) as worker:
        clock.set(instant("1999-12-31"))
        assert (await worker.json())["now"] >= before_ms - 1


async def test_a_script_stays_strict_and_its_clients_cannot_tell_it_the_time(
    deploy: Deploy, clock: MovableClock
) -> None:
    source = """// a comment first
        "use strict";
        addEventListener("fetch", (event) => {
          const strict = (function () { return this === undefined; })();
          event.respondWith(Response.json({ strict, now: Date.now(), line: new Error().stack.split("\\n")[1] }));
        });
    """
    worker = await deploy(source)
    told = {"X-Emulator-Clock": '{"offset_ms": 0, "stands_ms": 5}'}
    said = (await worker.client.get("/", headers=told)).json()
    assert (said["strict"], said["now"]) == (True, clock.now_ms())
    assert ":5:" in said["line"]
