"""The pytest plugin as a user's tests meet it: documented examples, the marker, isolation, xdist, no cost unused."""

import json
import re
from pathlib import Path

import pytest

from queue_emulator.pytest_plugin import MEMBERS
from queue_emulator.testing.marker import Marker

pytest_plugins = "pytester"
# Each run of pytest would load them anew, which takes longer than the run.
WITHOUT = ("-p", "no:schemathesis", "-p", "no:hypothesispytest")
pytestmark = pytest.mark.slow

README = Path(__file__).parents[2] / "README.md"
TOKYO = """
    def test_a_daemon_in_tokyo_still_sees_the_task_that_san_jose_finished(emulator, emulator_clock):
        tokyo, san_jose = emulator.at("NRT"), emulator.at("SJC")
        emulator.enqueue({"id": "t1"})
        assert tokyo.get("/api/queue").json()["pending"] == ["t1"]

        san_jose.post("/api/result/t1", {"success": True})
        assert san_jose.get("/api/queue").json()["pending"] == []
        assert tokyo.get("/api/queue").json()["pending"] == ["t1"]

        emulator_clock.advance(60)
        assert tokyo.get("/api/queue").json()["pending"] == []
"""
EACH_MEMBER = """
        import pytest
        from queue_emulator.core.errors import KVError

        @pytest.mark.queue_emulator(profile="local", locations=["GRU", "LHR"])
        def test_profile_and_locations(emulator, kv):
            status = emulator.get("/cdn-cgi/emulator/status").json()
            assert (status["profile"], status["locations"]) == ("local", ["GRU", "LHR"])
            assert kv.location == "GRU"

        @pytest.mark.queue_emulator(worker_version="old")
        def test_worker_version(emulator, kv):
            emulator.enqueue({"id": "t1"}, format="old")
            assert emulator.get("/api/queue").json()["pending"] == ["t1"]
            assert emulator.get("/api/migrate/status").status == 404

        @pytest.mark.queue_emulator(rate_limit=1)
        def test_rate_limit(emulator):
            assert [emulator.get("/api/queue").status for _ in range(2)] == [200, 429]

        @pytest.mark.queue_emulator(strict=True)
        def test_strict(emulator):
            assert emulator.get("/api/queue/evt_1").status == 400
            assert not any("not portable" in line for line in emulator.log)

        def test_not_strict(emulator):
            assert [emulator.get("/api/queue/evt_1").status for _ in range(2)] == [404, 404]
            (told,) = [line for line in emulator.log if "not portable" in line]
            assert told.startswith("  not portable, accepted here, refused with --strict: id: ")

        @pytest.mark.queue_emulator(without=["write-rate", "operations"])
        def test_without(kv, emulator):
            kv.put("k", "1")
            kv.put("k", "2")
            assert emulator.deployment.service.profile.operations_max is None

        @pytest.mark.queue_emulator(plan="free")
        def test_plan(emulator):
            assert emulator.deployment.service.profile.plan.name == "free"

        @pytest.mark.queue_emulator(replication_lag_s=(1.5, 2))
        def test_replication_lag(kv, emulator_clock):
            kv.put("k", "")
            emulator_clock.advance(1.499)
            assert kv.at("NRT").list().keys == ()
            emulator_clock.advance(0.501)
            assert len(kv.at("LHR").list().keys) == 1

        @pytest.mark.queue_emulator(tombstone_life_s=1.5)
        def test_tombstone_life(kv, emulator_clock):
            kv.put("a", "")
            kv.put("b", "")
            kv.delete("a")
            assert kv.list(limit=1).keys == ()
            emulator_clock.advance(1.5)
            assert len(kv.at("NRT").list(limit=1).keys) == 1

        def task_id(emulator):
            return emulator.enqueue()["id"]

        @pytest.mark.queue_emulator(seed=5)
        def test_seed(emulator):
            from queue_emulator.testing import Emulator
            assert task_id(emulator) == task_id(Emulator(seed=5)) != task_id(Emulator(seed=6))
    """


def ran(pytester: pytest.Pytester, source: str, *arguments: str) -> pytest.RunResult:
    """The result of a user's test file; markers are strict, warnings are errors."""
    pytester.makepyfile(source)
    return pytester.runpytest_inprocess("--strict-markers", "-W", "error", *WITHOUT, *arguments)


def test_a_user_s_test_runs_as_documented(pytester: pytest.Pytester) -> None:
    ran(pytester, TOKYO).assert_outcomes(passed=1)


def test_the_example_fails_where_the_hazard_is_switched_off(pytester: pytest.Pytester) -> None:
    local = "    import pytest\n    pytestmark = pytest.mark.queue_emulator(profile='local')\n"
    ran(pytester, local + TOKYO).assert_outcomes(failed=1)


def test_every_test_in_the_readme_runs(pytester: pytest.Pytester) -> None:
    blocks = re.findall(r"```python\n(.*?)```", README.read_text("utf-8"), re.DOTALL)
    tests = [block for block in blocks if "def test_" in block and "worker=" not in block]
    assert len(tests) >= 2
    pytester.makepyfile(**{f"test_example_{number}": block for number, block in enumerate(tests)})
    passed = sum(block.count("def test_") for block in tests)
    pytester.runpytest_inprocess("--strict-markers", "-W", "error", *WITHOUT).assert_outcomes(passed=passed)


def test_the_fixtures_are_listed_with_what_they_are(pytester: pytest.Pytester) -> None:
    listed = pytester.runpytest_inprocess("--fixtures", "-q", *WITHOUT).stdout.str()
    for name in ("emulator", "kv", "emulator_clock", "faults", "explore"):
        assert re.search(rf"^{name} -- .*pytest_plugin\.py:\d+\n    [A-Z]", listed, re.MULTILINE), name
    markers = pytester.runpytest_inprocess("--markers", *WITHOUT).stdout.str()
    assert (
        "@pytest.mark.queue_emulator(worker, profile, locations, worker_version, rate_limit, strict, seed, " in markers
    )


def test_the_marker_says_how_the_emulator_behaves(pytester: pytest.Pytester) -> None:
    ran(pytester, EACH_MEMBER).assert_outcomes(passed=10)


def test_a_marker_nearer_to_the_test_wins_member_by_member(pytester: pytest.Pytester) -> None:
    source = """
        import pytest
        pytestmark = pytest.mark.queue_emulator(locations=["GRU"], profile="local")

        @pytest.mark.queue_emulator(locations=["LHR"])
        class TestHere:
            def test_the_class_wins(self, emulator):
                assert emulator.deployment.locations == ("LHR",)
                assert emulator.deployment.service.profile.name == "local"

            @pytest.mark.queue_emulator(profile="cloudflare")
            def test_the_test_wins(self, emulator):
                assert emulator.deployment.locations == ("LHR",)
                assert emulator.deployment.service.profile.name == "cloudflare"
    """
    ran(pytester, source).assert_outcomes(passed=2)


def test_the_marker_is_described_with_all_its_members() -> None:
    assert Marker.__struct_fields__ == MEMBERS


@pytest.mark.parametrize(
    ("marked", "why"),
    [
        ('profile="prod"', "unknown profile 'prod'; known: cloudflare, local"),
        ('without=["gravity"]', "unknown switch 'gravity'; known: write-rate, operations,"),
        ('plan="gold"', "unknown plan 'gold'; known: free, paid"),
        ("replication_lag_s=(5, 1)", "a replication lag must be MIN..MAX with 0 <= MIN <= MAX, not 5000..1000 ms"),
        ('profile="local", replication_lag_s=(0, 1)', "replication lag and read-your-writes cannot be changed"),
        ("colour=1", "the marker queue_emulator: unknown member 'colour'; allowed: worker, profile, locations,"),
        ('locations="SJC"', "the marker queue_emulator: locations must be a list of airport codes"),
        ("locations=[]", "the marker queue_emulator: locations must be a list of airport codes"),
        ('locations=["Tokyo"]', "a location must be an airport code of three letters, such as SJC or NRT, not 'Tokyo'"),
        ('locations=["SJC", "sjc"]', "location SJC is given twice"),
        ('api_reads="stale"', "the marker queue_emulator: api_reads must be one of central, cached, not 'stale'"),
        ('profile="local", api_reads="cached"', "--api-reads must be central (profile local)"),
        ('worker_version="newer"', "worker_version must be one of old, dual, new, not 'newer'"),
        ("strict=1", "the marker queue_emulator: strict must be True or False, not 1"),
        ("rate_limit=0", "the marker queue_emulator: rate_limit must be a whole number above 0, not 0"),
        ("seed=None", "the marker queue_emulator: seed must be a whole number, not None"),
        ('without="caches"', "the marker queue_emulator: without must be a list of switches"),
        ("replication_lag_s=5", "must be two numbers of seconds, as (0, 5), not 5"),
        ('tombstone_life_s="1h"', "must be a number of seconds, not '1h'"),
        ('"local"', "the marker queue_emulator takes keyword arguments only, not 'local'"),
    ],
)
def test_a_marker_that_cannot_be_is_an_error_that_says_why(pytester: pytest.Pytester, marked: str, why: str) -> None:
    source = f"""
        import pytest

        @pytest.mark.queue_emulator({marked})
        def test_it(emulator):
            pass
    """
    result = ran(pytester, source)
    result.assert_outcomes(errors=1)
    assert why in result.stdout.str()


ISOLATED = """
    import pytest

    @pytest.mark.parametrize("number", range(20))
    def test_each_has_an_emulator_of_its_own(emulator, kv, emulator_clock, faults, number):
        assert emulator.clock.now == emulator_clock.now == "2026-01-01T12:00:00.000Z"
        assert (kv.list().keys, faults.rules(), len(emulator.journal())) == ((), [], 1)
        kv.put("k", str(number))
        assert kv.get("k") == str(number)
        emulator_clock.advance(3600)
        faults.add("fail_before")
"""


def test_tests_do_not_see_each_other(pytester: pytest.Pytester) -> None:
    ran(pytester, ISOLATED).assert_outcomes(passed=20)


def test_tests_run_in_parallel(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(ISOLATED)
    pytester.runpytest_subprocess("-n", "2", "--strict-markers", *WITHOUT).assert_outcomes(passed=20)


def test_the_application_serves_any_asgi_client(pytester: pytest.Pytester) -> None:
    source = """
        import asyncio
        import httpx

        def test_httpx(emulator):
            async def main():
                transport = httpx.ASGITransport(emulator.app)
                async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
                    return await client.get("/api/queue", headers={"X-API-Key": "test-queue-key"})

            assert asyncio.run(main()).json() == {"pending": [], "count": 0}
            assert emulator.journal()[0].operation == "list"
    """
    ran(pytester, source).assert_outcomes(passed=1)


def test_a_test_that_fails_shows_its_journal(pytester: pytest.Pytester) -> None:
    result = ran(pytester, TOKYO.replace("emulator_clock.advance(60)", "emulator_clock.advance(59)"), "--tb=line")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*- queue-emulator: * KV operations; stale reads, marked with !: 2 -*",
            "  +0.000 s  NRT  list queue:task: -> 1 keys  (GET /api/queue)",
            "  +0.000 s  SJC  delete queue:task:t1 -> version 3  (POST /api/result/{id})",
            "! +0.000 s  NRT  list queue:task: -> 1 keys, copy 0 s old, STALE: not version 3  (GET /api/queue)",
            "! +59.000 s  NRT  list queue:task: -> 1 keys, copy 59 s old, STALE: not version 3  (GET /api/queue)",
        ]
    )


def test_a_test_that_passes_or_uses_no_emulator_shows_nothing(pytester: pytest.Pytester) -> None:
    result = ran(pytester, TOKYO + "\n    def test_without():\n        assert False\n", "-rA")
    result.assert_outcomes(passed=1, failed=1)
    assert "KV operations, stale" not in result.stdout.str()


def test_fixtures_serve_asynchronous_tests_too(pytester: pytest.Pytester) -> None:
    source = """
        import pytest

        @pytest.fixture
        def anyio_backend():
            return "asyncio"

        @pytest.mark.anyio
        async def test_it(emulator, kv):
            emulator.enqueue({"id": "t1"})
            assert kv.get("queue:task:t1", "json")["id"] == "t1"
    """
    ran(pytester, source).assert_outcomes(passed=1)


COUNTER = """
    from queue_emulator.exploration import Actor, Response, no_lost_update, scenario

    async def worker(request, env):
        count = int(await env.CACHE.get("count") or 0) + 1
        await env.CACHE.put("count", str(count))
        return Response(str(count))

    def test_every_increment_counts(explore):
        both = scenario(worker, [Actor("a", "SJC", ["POST /"]), Actor("b", "SJC", ["POST /"])])
        total = lambda seen: int(seen.value("count") or 0)
        explore(both, [no_lost_update(lambda answer: 1 if answer.ok else None, total)], schedules=50)
"""


def test_explore_fails_with_the_schedule_its_picture_and_how_to_see_it_again(
    pytester: pytest.Pytester, tmp_path: Path
) -> None:
    report = tmp_path / "report.xml"
    result = ran(pytester, COUNTER, f"--junitxml={report}", f"--basetemp={tmp_path / 'of_the_test'}")
    result.assert_outcomes(failed=1)
    said = result.stdout.str()
    assert "NO LOST UPDATE: 2 were accepted, and 1 are there" in said
    assert "needs          requests run at the same time" in said
    assert "put count                                -> version 1" in said
    (written,) = (tmp_path / "of_the_test").glob("*0/*.schedule")
    assert written.with_suffix(".svg").read_text().startswith("<svg")
    assert f'name="explore_picture" value="{written.with_suffix(".svg")}"' in report.read_text()
    again = re.search(r'see it again   pytest "(.*)" --replay-schedule (.*)', said)
    assert again is not None
    assert again[2] == str(written)

    replayed = pytester.runpytest_inprocess(again[1], "--replay-schedule", again[2])
    replayed.assert_outcomes(failed=1)
    assert "still broken: no lost update: 2 were accepted, and 1 are there" in replayed.stdout.str()


def test_explore_passes_where_nothing_breaks_and_refuses_what_cannot_be(pytester: pytest.Pytester) -> None:
    mended = COUNTER.replace('get("count") or 0) + 1', 'get("count") or 0) + 0').replace("1 if", "0 if")
    ran(pytester, mended).assert_outcomes(passed=1)
    result = ran(pytester, COUNTER.replace('"POST /"', '"POST"'))
    result.assert_outcomes(failed=1)
    assert "a request is written as" in result.stdout.str()


@pytest.mark.parametrize("attack", ["\x1b[2J", "\x9b31m", "\u202e", "\rqueue-emulator: done"])
def test_nothing_that_a_worker_or_a_project_has_written_moves_the_cursor(
    pytester: pytest.Pytester, attack: str, capsys: pytest.CaptureFixture[str]
) -> None:
    config = {"main": "worker.mjs", "kv_namespaces": [{"binding": attack}], "vars": {attack: "both"}}
    (pytester.path / "wrangler.json").write_text(json.dumps(config))
    (pytester.path / "worker.mjs").write_text("export default {};")
    source = f"""
        import pytest

        def test_it(emulator, kv):
            kv.put({attack!r} + "key", "v")
            emulator.log.append("  worker: " + {attack!r} + "logged")
            pytest.fail("as asked", pytrace=False)

        @pytest.mark.queue_emulator(worker="worker.mjs")
        def test_of_a_project(emulator):
            pass
    """
    result = ran(pytester, source)
    result.assert_outcomes(failed=1, errors=1)
    assert "logged" in result.stdout.str()
    assert "is both a KV namespace binding and a variable" in result.stdout.str()
    assert attack not in capsys.readouterr().out
    assert attack not in result.stdout.str()
