"""A module of the user's own in pytest: the same fixtures, a KV of its own for each test, one runtime a session."""

from pathlib import Path

import pytest

from tests.cli.emulator_process import FIXTURES
from tests.docs.readme import blocks

pytest_plugins = "pytester"
pytestmark = pytest.mark.slow

WORKER = """
    let requests = 0;
    export default {
      async fetch(request, env, ctx) {
        const { pathname: path, searchParams } = new URL(request.url);
        const key = path.slice(1);
        requests += 1;
        if (request.method === "PUT") return new Response(await env.CACHE.put(key, await request.text()));
        if (searchParams.has("for-ever")) ctx.waitUntil(forEver(env, key));
        if (searchParams.has("wait")) await scheduler.wait(20);
        return Response.json({ value: await env.CACHE.get(key), at: request.cf.colo, requests });
      },
    };
    async function forEver(env, key) {
      for (let number = 0; ; number++) {
        await scheduler.wait(5);
        await env.CACHE.put(`${key}-${number}`, "late");
      }
    }
"""
# Plugins that these tests do not use, and that each process takes longer to load than to run them.
WITHOUT = ("-p", "no:schemathesis", "-p", "no:hypothesispytest")
MARKED = """
    import pytest
    pytestmark = pytest.mark.queue_emulator(worker="src/worker.mjs", locations=["SJC", "NRT"])

    def value(reply):
        return reply.json()["value"]
"""


@pytest.fixture
def run(pytester: pytest.Pytester, workerd: Path) -> "Run":
    """`run(source, "-n", "2")`: a user's tests beside a Worker, with workerd in node_modules."""
    (pytester.path / "node_modules").symlink_to(workerd.parents[3])
    pytester.mkdir("src").joinpath("worker.mjs").write_text(WORKER)
    return Run(pytester)


class Run:
    def __init__(self, pytester: pytest.Pytester) -> None:
        self._pytester = pytester

    def __call__(self, source: str, *arguments: str, before: str = MARKED) -> pytest.RunResult:
        self._pytester.makepyfile(before + source)
        return self._pytester.runpytest_subprocess("--strict-markers", "-W", "error", *WITHOUT, *arguments)


CONFIG = 'main = "src/worker.mjs"\n' + "".join(
    f'[[kv_namespaces]]\nbinding = "{binding}"\nid = "{id}"\n' for binding, id in (("CACHE", "a"), ("FLAGS", "b"))
)
TESTS = """
    import asyncio
    import httpx

    def test_tokyo_reads_what_it_has_until_the_clock_has_moved(emulator, kv, emulator_clock, faults):
        tokyo, san_jose = emulator.at("NRT"), emulator.at("SJC")
        assert tokyo.get("/k").json()["at"] == "NRT"
        san_jose.request("PUT", "/k", content=b"new")
        assert (value(san_jose.get("/k")), value(tokyo.get("/k"))) == ("new", None)
        assert (kv.get("k"), kv.at("NRT").get("k")) == ("new", None)
        emulator_clock.advance(60)
        assert value(tokyo.get("/k")) == "new"
        faults.add("fail_before", operation="get")
        assert tokyo.get("/k").status == 500
        assert [event.stale for event in emulator.journal()].count(True) == 2

    @pytest.mark.parametrize("number", range(10))
    def test_each_finds_an_empty_kv_and_the_clock_at_noon(emulator, kv, emulator_clock, faults, number):
        assert (value(emulator.get("/k")), faults.rules(), len(emulator.journal())) == (None, [], 1)
        assert emulator_clock.now == "2026-01-01T12:00:00.000Z"
        emulator.at("SJC").request("PUT", "/k", content=b"old")
        assert kv.get("k") == "old"
        emulator_clock.advance(3600)
        faults.add("fail_before")

    def test_the_runtime_stays_and_one_in_which_a_run_does_not_end_does_not(emulator):
        assert emulator.get("/k?for-ever").json()["requests"] > 1

    def test_after_it(emulator, kv):
        assert emulator.get("/k?wait").json()["requests"] == 1
        assert kv.list().keys == ()

    @pytest.fixture
    def anyio_backend():
        return "asyncio"

    @pytest.mark.anyio
    async def test_requests_of_an_asynchronous_test_run_at_once(emulator, kv):
        transport = httpx.ASGITransport(emulator.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            kv.put("k", "1")
            replies = await asyncio.gather(*(client.get("/k?wait") for _ in range(5)))
        assert [reply.json()["value"] for reply in replies] == ["1"] * 5
        routes = {event.route for event in emulator.journal(after=1)}
        assert "several requests at once" in routes
        assert routes <= {"several requests at once", "GET /k"}  # the last one to read may be alone by then

    def test_another_namespace_is_found_by_its_binding(emulator, kv):
        flags = kv.of("FLAGS")
        flags.put("k", "flag")
        assert (kv.get("k"), flags.get("k"), value(emulator.get("/k"))) == (None, "flag", None)
        assert flags.at("NRT").get("k") == "flag"
        with pytest.raises(Exception, match="the Worker has no KV namespace 'NONE'; it has CACHE, FLAGS"):
            kv.of("NONE")

    def test_a_request_is_not_held(emulator):
        with pytest.raises(Exception, match="begin.. works with the Python Worker only"):
            emulator.begin("GET", "/k")
"""


def test_a_module_has_the_fixtures_of_the_queue_and_so_has_the_example_of_the_readme(
    run: "Run", pytester: pytest.Pytester
) -> None:
    (pytester.path / "wrangler.toml").write_text(CONFIG)
    (pytester.path / "fixtures").symlink_to(FIXTURES)
    (example,) = (block.content for block in blocks() if block.language == "python" and "worker=" in block.content)
    pytester.makepyfile(test_readme=example)
    run(TESTS).assert_outcomes(passed=17)


def test_of_two_processes_each_has_its_runtime_and_a_test_that_fails_shows_its_journal_and_its_log(run: "Run") -> None:
    source = """
    @pytest.mark.parametrize("number", range(6))
    def test_each_finds_an_empty_kv(emulator, kv, number):
        assert value(emulator.get("/k")) is None
        kv.put("k", "old")

    def test_it(emulator):
        emulator.at("NRT").get("/k")
        emulator.at("SJC").request("PUT", "/k", content=b"new")
        assert value(emulator.at("NRT").get("/k")) == "new"

    @pytest.fixture
    def failing_at_the_end():
        yield
        raise AssertionError("when the Workers may have ended")

    @pytest.mark.parametrize("number", range(2))
    def test_that_is_torn_down(failing_at_the_end, emulator, number):
        emulator.get("/torn-down")
    """
    result = run(source, "-n", "2")
    result.assert_outcomes(passed=8, failed=1, errors=2)
    result.stdout.fnmatch_lines(
        [
            "*- queue-emulator: 3 KV operations; stale reads, marked with !: 1 -*",
            "  +0.000 s  SJC  put k -> version 1  (PUT /k)",
            "! +0.000 s  NRT  get k -> nothing, copy 0 s old, STALE: not version 1  (GET /k)",
            "*- queue-emulator: log -*",
            "GET /k 200 * 1 KV operation",
        ]
    )
    torn_down = "  +0.000 s  SJC  get torn-down -> nothing  (GET /torn-down)"
    assert result.stdout.str().count(torn_down) == 2, "the last test of a process too"


REFUSED = {
    'worker="none.mjs"': "there is no Worker at */none.mjs: no such file or folder",
    'worker="notes.txt"': "*/notes.txt is not a Worker: give a .mjs or .js module, or a folder with a wrangler*",
    'worker="src"': "*/src is no wrangler project: neither it nor a folder above has a wrangler config",
    'worker="broken.mjs"': "the Worker does not start: Uncaught SyntaxError: *",
    'worker="src/worker.mjs", strict=True': "strict is for the task queue: leave it out with worker='src/worker.mjs'",
    "worker=1": "the marker queue_emulator: worker must be a path, as 'src/worker.mjs', not 1",
}


def test_a_worker_that_cannot_be_is_said_in_one_line(run: "Run", pytester: pytest.Pytester) -> None:
    (pytester.path / "notes.txt").write_text("")
    (pytester.path / "broken.mjs").write_text("export default {")
    tests = (
        f"""
    @pytest.mark.queue_emulator({marked})
    def test_{number}(emulator):
        pass
"""
        for number, marked in enumerate(REFUSED)
    )
    result = run("".join(tests), before="    import pytest\n")
    result.assert_outcomes(errors=len(REFUSED))
    result.stdout.fnmatch_lines([f"*{why}" for why in REFUSED.values()])
    assert "Traceback" not in result.stdout.str()
    assert "pytest_plugin.py" not in result.stdout.str()
