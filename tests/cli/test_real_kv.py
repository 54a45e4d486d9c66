"""`serve --kv cloudflare`: the Worker here, its data behind the REST API of a second emulator."""

import asyncio
import sys
from pathlib import Path

import pytest

from queue_emulator.kv.cloudflare_access import Access
from queue_emulator.kv.cloudflare_api import CloudflareAPI
from queue_emulator.kv.retry import Patience
from tests.cli.emulator_process import ADMIN, BASIC, BASIC_KEYS, QUEUE, Emulator, StartEmulator, run
from tests.cli.in_process import refusal

pytestmark = pytest.mark.slow

TOKEN = "far-token-that-nobody-may-see"
ACCOUNT = "0123456789abcdef0123456789abcdef"
BOUND = "8faacc2352ae541a1333efb9d961f086"  # of the namespace CACHE, in every emulator
CONTROL = "/cdn-cgi/emulator"


@pytest.fixture(scope="module")
def far(start_for_module: StartEmulator) -> Emulator:
    """The emulator that stands in for Cloudflare."""
    return start_for_module("--ephemeral", environment={"EMULATOR_API_TOKEN": TOKEN})


@pytest.fixture(autouse=True)
def _empty(far: Emulator) -> None:
    assert far.ask("POST", f"{CONTROL}/reset").status_code == 200


@pytest.fixture
def environment(far: Emulator) -> dict[str, str]:
    return {
        "CLOUDFLARE_ACCOUNT_ID": ACCOUNT,
        "CLOUDFLARE_API_TOKEN": TOKEN,
        "CLOUDFLARE_API_BASE_URL": f"{far.url}/client/v4",
        "ALL_PROXY": "http://127.0.0.1:9",  # where nothing listens: nobody asks a proxy for this machine
    }


@pytest.fixture
def near(start_emulator: StartEmulator, environment: dict[str, str]) -> Emulator:
    """The emulator under test."""
    return start_emulator("--kv", "cloudflare", "--namespace-id", BOUND, environment=environment)


def test_the_banner_says_that_writes_reach_a_real_namespace(near: Emulator, far: Emulator, folder: Path) -> None:
    host = far.url.removeprefix("http://")
    assert f"  KV          namespace {BOUND} ('CACHE') at {host}" in near.banner
    assert "              real data: the Worker writes and deletes in this namespace at Cloudflare" in near.banner
    assert "  profile     real, Worker version new" in near.banner
    assert not [line for line in near.banner if line.startswith(("  state ", "  REST API "))]
    assert not list(folder.iterdir())


def test_a_migration_and_a_task_s_life_happen_in_the_far_namespace(near: Emulator, far: Emulator) -> None:
    seeded = near.ask("POST", f"{CONTROL}/seed", content=BASIC.read_bytes())
    assert seeded.json()["written"] == BASIC_KEYS == far.keys()
    assert near.ask("GET", "/api/migrate/status", headers=ADMIN).json()["status"]["oldTaskCount"] == 5
    assert near.ask("POST", "/api/migrate/run", headers=ADMIN).json()["totalMigrated"] == 7
    near.ask("POST", f"{CONTROL}/enqueue", json={"task": {"id": "a-new-one"}})
    claimed = near.ask("POST", "/api/queue/claim", headers=QUEUE, json={"workerId": "d"}).json()
    assert claimed["taskId"] == "a-new-one"
    assert near.ask("POST", "/api/result/a-new-one", headers=QUEUE, json={"success": True}).status_code == 200
    listed = far.ask("GET", "/api/queue", headers=QUEUE).json()
    assert listed["pending"] == near.ask("GET", "/api/queue", headers=QUEUE).json()["pending"]
    assert listed["count"] == 5
    assert far.ask("GET", "/api/result/a-new-one", headers=QUEUE).json()["success"] is True


def test_what_is_for_emulated_kv_only_is_refused_and_nothing_is_lost(near: Emulator, far: Emulator) -> None:
    near.ask("POST", f"{CONTROL}/seed", content=BASIC.read_bytes())
    for method, control, body, why in (
        ("POST", "reset", {}, "real data is not deleted by this command"),
        ("POST", "clock", {"advance_s": 60}, "the clock cannot be moved"),
        (
            "GET",
            "entries",
            None,
            "the data of a real namespace is not read here: use the endpoint cloudflare:NAMESPACE_ID",
        ),
        (
            "POST",
            "faults",
            {"verdict": "drop_replication", "to": "SJC", "for_s": 1},
            "drop_replication works only with the emulated KV",
        ),
    ):
        answer = near.ask(method, f"{CONTROL}/{control}", json=body)
        assert answer.status_code == 409
        assert answer.json()["error"].startswith(why)
        assert BOUND in answer.json()["error"]
    assert near.ask("GET", f"{CONTROL}/clock").json()["offset_ms"] == 0
    assert near.ask("GET", f"/client/v4/accounts/{ACCOUNT}/storage/kv/namespaces").status_code == 404
    assert far.keys() == BASIC_KEYS


def test_the_status_names_the_namespace_and_does_not_count_its_keys(near: Emulator) -> None:
    status = near.ask("GET", f"{CONTROL}/status").json()
    assert status["keys"] is None
    assert status["profile"] == "real"
    assert status["kv"].startswith(f"namespace {BOUND} ('CACHE') at ")


def test_faults_journal_and_cost_work_in_front_of_it(near: Emulator, far: Emulator) -> None:
    near.ask("POST", f"{CONTROL}/enqueue", json={"task": {"id": "t1"}})
    rule = {"verdict": "fail_before", "status": 503, "operation": "put", "key_prefix": "queue:lease:"}
    near.ask("POST", f"{CONTROL}/faults", json=rule)
    assert near.ask("POST", "/api/queue/claim", headers=QUEUE, json={}).status_code == 500
    assert far.keys() == 1
    assert '"failed":"KV PUT failed: 503 Service Unavailable"' in near.ask("GET", f"{CONTROL}/journal").text
    assert near.ask("GET", f"{CONTROL}/cost").json()["operations"]["reads"] == 1
    assert "by fault rule 1" in near.log()


@pytest.mark.parametrize(("verdict", "status"), [("fail_before", 429), ("fail_before", 503), ("fail_after", 500)])
def test_a_failure_there_that_passes_is_not_seen_here(near: Emulator, far: Emulator, verdict: str, status: int) -> None:
    rule = {"verdict": verdict, "status": status, "operation": "put", "location": "API", "times": 1}
    assert far.ask("POST", f"{CONTROL}/faults", json=rule).status_code == 200
    near.ask("POST", f"{CONTROL}/enqueue", json={"task": {"id": "t1"}})
    assert far.ask("GET", "/api/queue", headers=QUEUE).json()["pending"] == ["t1"]
    (line,) = [line for line in near.log().splitlines() if "again in" in line]
    assert f"put 'queue:task:t1': {status} put: " in line
    assert status != 429 or "again in 1." in line


def test_an_answer_that_does_not_come_in_time_is_not_waited_for(far: Emulator) -> None:
    far.ask("POST", f"{CONTROL}/faults", json={"verdict": "delay", "for_s": 30, "operation": "put", "times": 1})

    async def put() -> list[str]:
        logged: list[str] = []
        access = Access(ACCOUNT, BOUND, TOKEN, f"{far.url}/client/v4")
        async with CloudflareAPI(access, patience=Patience(silence_ms=500), log=logged.append) as api:
            await api.put_value("k", b"v")
            assert await api.get_value("k") is not None
        return logged

    (line,) = asyncio.run(put())
    assert "put 'k': no answer in time; again in" in line


def test_seeds_are_loaded_into_an_api_on_this_machine(
    start_emulator: StartEmulator, environment: dict[str, str], far: Emulator
) -> None:
    near = start_emulator(
        "--kv", "cloudflare", "--namespace-id", BOUND, "--seed", BASIC, environment=environment
    )  # fmt: skip
    assert f"  seeded      {BASIC}: {BASIC_KEYS} keys" in near.banner
    assert far.keys() == BASIC_KEYS


def test_the_token_is_shown_nowhere(near: Emulator) -> None:
    near.ask("GET", "/api/queue", headers=QUEUE)
    shown = [*near.banner, near.log(), near.ask("GET", f"{CONTROL}/status").text]
    assert not [text for text in shown if TOKEN in text]


@pytest.mark.parametrize(
    ("arguments", "changed", "why"),
    [
        ([], {"CLOUDFLARE_API_TOKEN": ""}, "Cloudflare's API needs CLOUDFLARE_API_TOKEN in the environment"),
        ([], {"CLOUDFLARE_ACCOUNT_ID": "me"}, "an account id must have 32 hexadecimal digits, not 'me'"),
        (
            [],
            {"CLOUDFLARE_API_BASE_URL": "http://kv.example/"},
            "the token would be sent to kv.example without encryption",
        ),
        ([], {"CLOUDFLARE_API_TOKEN": "wrong-token"}, "401 Authentication error [code: 10000]"),
        (["--namespace-id", "0" * 32], {}, "404 get namespace: 'namespace not found' [code: 10013]"),
        (
            [],
            {"CLOUDFLARE_API_BASE_URL": "https://kv.example/", "ALL_PROXY": "gopher://me:secret@proxy.example"},
            "kv.example cannot be called: the environment has a wrong setting",
        ),
        (["--namespace-id", "cache"], {}, "a namespace id must have 32 hexadecimal digits, not 'cache'"),
        (["--state", "state.sqlite"], {}, "--state configures the emulated KV"),
        (["--ephemeral"], {}, "--ephemeral configures the emulated KV"),
        (["--profile", "local"], {}, "--profile configures the emulated KV"),
        (["--location", "NRT"], {}, "--location configures the emulated KV"),
        (["--plan", "free"], {}, "--plan configures the emulated KV"),
        (["--without", "caches"], {}, "--without configures the emulated KV"),
        (["--replication-lag", "0..5"], {}, "--replication-lag configures the emulated KV"),
        (["--tombstone-life", "0"], {}, "--tombstone-life configures the emulated KV"),
        (["--worker", "worker.mjs"], {}, "--kv cloudflare runs only the Python Worker"),
        (
            ["--seed", str(BASIC)],
            {"CLOUDFLARE_API_BASE_URL": "https://kv.example/"},
            "--seed would write at each start, and kv.example has real data",
        ),
    ],
)
def test_a_start_that_is_refused(
    folder: Path, environment: dict[str, str], arguments: list[str], changed: dict[str, str], why: str
) -> None:
    given = ["--kv", "cloudflare", "--namespace-id", BOUND, *arguments]
    line = refusal("serve", "--port", "0", *given, folder=folder, environment=environment | changed)
    assert why in line
    assert "wrong-token" not in line
    assert "secret" not in line


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--kv", "cloudflare"], "--kv cloudflare needs --namespace-id"),
        (["--namespace-id", BOUND], "--namespace-id is the id of a real namespace: add --kv cloudflare"),
    ],
)
def test_the_namespace_and_the_kv_are_named_together(folder: Path, arguments: list[str], why: str) -> None:
    assert refusal("serve", "--port", "0", *arguments, folder=folder).startswith(why)


def test_an_extra_that_is_not_installed_is_named(folder: Path, environment: dict[str, str]) -> None:
    without = (
        "import sys; sys.modules['httpx'] = None; from queue_emulator.cli import main; sys.exit(main(sys.argv[1:]))"
    )
    given = ["serve", "--port", "0", "--kv", "cloudflare", "--namespace-id", BOUND]
    done = run("-c", without, *given, folder=folder, environment=environment, command=sys.executable)
    assert done.returncode == 2
    assert done.stderr == "queue-emulator: Cloudflare's API needs an extra: pip install 'queue-emulator[cloudflare]'\n"
