"""Two tools under one `run`, such as wrangler beside Vitest: both are told the time, and what one does is its own."""

import json
import shlex
import threading
from pathlib import Path

import httpx
import pytest

from queue_emulator.run.reports import Ready
from queue_emulator.run.runtimes import Runtimes
from tests.cli.emulator_process import wait_for
from tests.run.test_preload import PLUGIN, package
from tests.run.tool import Running, StartRun, node

CLASS = """
  Miniflare: class Miniflare {
    constructor() { this.ready = Promise.resolve(new URL(at)); }
    async unsafeGetDirectURL() { return new URL(at); }
    async dispose() {}
  },
"""
# A tool whose runtime is an HTTP server: it says which time it is told, reads KV for who asks it, and can be ended.
TOOL = """
const fs = require("node:fs"), http = require("node:http");
const { KV_PLUGIN, Miniflare } = require("miniflare");
const me = require("node:path").basename(__filename, ".cjs");
const contents = `export default {}; // ${"as long as a Worker is ".repeat(9)}`;
const kvNamespaces = me === "first" ? { CACHE: "a" } : { OTHER: "b" };
const options = { name: "w", kvNamespaces, modules: [{ type: "ESModule", contents }] };
const until = async (name) => { while (!fs.existsSync(name)) await new Promise((go) => setTimeout(go, 10)); };
async function read() {
  const [{ external }] = (await KV_PLUGIN.getServices({ options })).filter((each) => each.external);
  const headers = Object.fromEntries(external.http.injectRequestHeaders.map(({ name, value }) => [name, value]));
  const asked = { socketPath: external.address.slice("unix:".length), path: `/by-${me}`, headers };
  return new Promise((resolve) => http.get(asked, (got) => got.resume().on("end", resolve)));
}
const server = http.createServer(async (request, response) => {
  const told = request.headers["x-emulator-clock"];
  if (told) console.log(`${me} is told ${told.slice(told.indexOf("{"))}`);
  else if (request.url === "/read") await read();
  else if (request.url === "/wait") await (console.log(`${me} waits`), until("go on"));
  else if (request.url === "/dispose") await runtime.dispose();
  response.end(me);
  if (request.url === "/end") response.on("finish", () => process.exit());
});
let runtime;
async function start() {
  if (me === "second") await until("second may start");
  server.listen(0, "127.0.0.1", async () => {
    globalThis.at = `http://127.0.0.1:${server.address().port}/`;
    console.log(`${me} is at ${at}`);
    await KV_PLUGIN.getBindings(options);
    runtime = new Miniflare(options);
  });
}
start();
"""


@pytest.fixture
def both(start_run: StartRun, tmp_path: Path) -> Running:
    """The first is ready before the second starts."""
    package(tmp_path, "4.0.0", PLUGIN + CLASS)
    for name in ("first", "second"):
        (tmp_path / f"{name}.cjs").write_text(TOOL)
    words = shlex.quote(str(node()))
    running = start_run(["sh", "-c", f"{words} first.cjs & {words} second.cjs & wait"])
    running.line(r"first\.cjs \(miniflare 4\.0\.0\) uses this KV: CACHE = a; location")
    (tmp_path / "second may start").touch()
    running.line(r"second\.cjs \(miniflare 4\.0\.0\) uses this KV: OTHER = b; location")
    return running


def test_both_are_told_the_time_whenever_it_is_moved_and_who_is_gone_is_told_no_more(both: Running) -> None:
    frozen = both.control("POST", "clock", {"advance_s": 60, "freeze": True})["now_ms"]
    for name in ("first", "second"):
        assert json.loads(both.line(rf"{name} is told (\{{.*)")[1]) == {"offset_ms": 0, "stands_ms": frozen}
    assert both.ask("GET", "/end").text == "first", "our port leads to the one that was ready first"
    wait_for(lambda: both.ask("GET", "/").text == "second")
    both.control("POST", "clock", {"advance_s": 60})
    assert both.line(rf"second is told .*{frozen + 60_000}")
    both.control("POST", "reset")
    assert both.line(r'second is told .*"stands_ms": null')
    assert sum("first is told" in line for line in both.lines) == 1


def test_a_runtime_that_its_tool_disposes_of_is_led_to_no_more(both: Running) -> None:
    assert both.ask("GET", "/dispose").text == "first"
    wait_for(lambda: both.ask("GET", "/").text == "second")


def test_what_one_does_while_the_other_answers_a_request_is_not_that_request_s(both: Running, tmp_path: Path) -> None:
    second = both.line(r"second is at (\S+)")[1]
    waiting = threading.Thread(target=both.ask, args=("GET", "/wait"))
    waiting.start()
    both.line("first waits")
    assert httpx.get(f"{second}read", trust_env=False).text == "second"
    (tmp_path / "go on").touch()
    waiting.join()
    both.ask("GET", "/read")
    journal = [json.loads(line) for line in both.ask("GET", "/cdn-cgi/emulator/journal").text.splitlines()]
    assert [(each["key"], each["route"]) for each in journal] == [
        ("by-second", "not by way of the emulator's port"),
        ("by-first", "GET /read"),
    ]


def ready(process: str, instance: int, port: int) -> Ready:
    url = f"http://127.0.0.1:{port}/"
    return Ready("tool", "4", process, instance, {"SJC": url}, {}, None, (f"{url}clock",))


def test_the_process_that_was_ready_first_leads_with_its_last_runtime() -> None:
    runtimes = Runtimes()
    assert (runtimes.leading, runtimes.clocks) == (None, ())
    for process, instance, port in (("a", 1, 1), ("a", 2, 2), ("b", 1, 3), ("a", 1, 4)):
        runtimes.take(ready(process, instance, port))
    assert runtimes.leading == ready("a", 1, 4)
    assert runtimes.clocks == tuple(f"http://127.0.0.1:{port}/clock" for port in (2, 4, 3))
    runtimes.ended("a", 1)
    assert runtimes.leading == ready("a", 2, 2)
    runtimes.ended("a")
    assert runtimes.leading == ready("b", 1, 3)
    runtimes.ended("never there")
    runtimes.ended("b", 1)
    assert runtimes.leading is None
