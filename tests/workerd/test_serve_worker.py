"""`queue-emulator serve --worker`: what it takes, what it refuses, and that nothing of it is left behind."""

import http.client
import json
import signal
import socket
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from queue_emulator.core.accounts import ACCOUNT_ID
from queue_emulator.workerd.binary import find_binary
from tests.cli import raw_http
from tests.cli.emulator_process import Emulator, StartEmulator, wait_for
from tests.cli.in_process import run_here
from tests.workerd.serving import ON_LINUX, ServeWorker, alive, below, kill, refuse_worker, serve_worker, workerd_of

__all__ = ["refuse_worker", "serve_worker"]

pytestmark = pytest.mark.slow

Refuse = Callable[..., "CompletedProcess[str]"]

HELLO = "export default { fetch: () => new Response('hello') };"
SHOWS_ENV = """
export default { fetch: (request, env) => Response.json(
  Object.fromEntries(Object.entries(env).map(([name, each]) => [name, each.getWithMetadata ? "KV" : each]))) };
"""


@pytest.fixture(scope="module")
def hello(start_for_module: StartEmulator, tmp_path_factory: pytest.TempPathFactory, workerd: Path) -> Emulator:
    """HELLO at two locations, with a secret that it names: for tests that only look at it, or ask."""
    worker = tmp_path_factory.mktemp("hello") / "worker.mjs"
    worker.write_text(f"// env.QUEUE_API_KEY\n{HELLO}")
    keys = {"QUEUE_API_KEY": "the-secret", "ADMIN_API_KEY": "the-secret"}
    own = ("--location", "SJC", "--location", "NRT")
    return start_for_module("--ephemeral", "--worker", worker, "--workerd", workerd, *own, environment=keys)


def test_a_worker_is_served_and_the_banner_says_what(hello: Emulator) -> None:
    assert hello.ask("GET", "/any/path?q=1").text == "hello"
    (worker,) = (line.split()[1] for line in hello.banner if line.startswith("  worker "))
    assert Path(worker).read_text().endswith(HELLO)
    assumed = "  KV          CACHE (assumed: no config names a namespace; --binding NAME sets another name)"
    assert assumed in hello.banner
    assert hello.ask("GET", "/cdn-cgi/emulator/status").json()["keys"] == 0
    wait_for(lambda: "GET /any/path 200" in hello.log())


def test_a_development_key_is_bound_where_none_is_set_and_the_code_or_a_module_of_it_names_it(
    serve_worker: ServeWorker, tmp_path: Path
) -> None:
    (tmp_path / "auth.mjs").write_text("export const key = (env) => env.QUEUE_API_KEY;")
    source = f"import './auth.mjs'; // env.ADMIN_API_KEY\n{SHOWS_ENV}"
    assert serve_worker(source).ask("GET", "/").json() == {
        "CACHE": "KV",
        "QUEUE_API_KEY": "dev-queue-key",
        "ADMIN_API_KEY": "dev-admin-key",
    }


def test_a_worker_that_has_nothing_to_do_with_the_queue_gets_no_key_of_it(serve_worker: ServeWorker) -> None:
    emulator = serve_worker(SHOWS_ENV, environment={"QUEUE_API_KEY": "a", "ADMIN_API_KEY": "b"})
    assert emulator.ask("GET", "/").json() == {"CACHE": "KV"}
    assert no_keys(emulator)


def no_keys(emulator: Emulator) -> bool:
    return not any(line.startswith("  keys ") for line in emulator.banner)


def test_flags_environment_dev_vars_and_config_each_have_their_say(serve_worker: ServeWorker, tmp_path: Path) -> None:
    config = {
        "kv_namespaces": [{"binding": "CACHE", "id": "abc"}, {"binding": "COPY", "id": "abc"}],
        "vars": {"FROM_CONFIG": {"a": 1}, "IN_BOTH": "config", "BY_FLAG": "config"},
        "compatibility_date": "2026-01-01",
    }
    (tmp_path / "wrangler.jsonc").write_text(f"// comment\n{json.dumps(config)[:-1]},}}")
    (tmp_path / ".dev.vars").write_text("IN_BOTH=secret\nBY_FLAG=secret\nQUEUE_API_KEY=file\nADMIN_API_KEY=file\n")
    emulator = serve_worker(
        SHOWS_ENV,
        "--var",
        "BY_FLAG=flag=1",
        "--binding",
        "MORE=elsewhere",
        environment={"QUEUE_API_KEY": "environment"},
    )
    assert emulator.ask("GET", "/").json() == {
        "CACHE": "KV",
        "COPY": "KV",
        "MORE": "KV",
        "FROM_CONFIG": {"a": 1},
        "IN_BOTH": "secret",
        "BY_FLAG": "flag=1",
        "QUEUE_API_KEY": "environment",
        "ADMIN_API_KEY": "file",
    }
    assert "  KV          CACHE, COPY = CACHE, MORE = elsewhere" in emulator.banner
    assert "  keys        QUEUE_API_KEY from environment" in emulator.banner


def test_the_namespaces_of_one_state_file_survive_together(serve_worker: ServeWorker, tmp_path: Path) -> None:
    source = """
export default { async fetch(request, env) {
  const before = [await env.CACHE.get("k"), await env.OTHER.get("k")];
  await env.CACHE.put("k", "cache"); await env.OTHER.put("k", "other"); await env.CACHE.put("l", "cache");
  return Response.json(before); } };
"""
    bound = ("--binding", "CACHE", "--binding", "OTHER")
    arguments = (*bound, "--state", tmp_path / "state.sqlite", "--without", "write-rate")
    for before in ([None, None], ["cache", "other"]):
        (tmp_path / "worker.mjs").write_text(source)
        emulator = serve_worker(source, *arguments, ephemeral=False)
        assert emulator.ask("GET", "/").json() == before
        assert emulator.ask("GET", "/").json() == ["cache", "other"]
        assert emulator.stop() == 0


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("export default { fetch( { } }", "SyntaxError"),
        ("throw new Error('at start'); export default {};", "Error: at start"),
        ("import hono from 'hono'; export default { fetch: () => hono };", "bundle it first"),
        ("import './missing.mjs'; export default {};", "/missing.mjs"),
        ("", "worker.mjs has no default export; it needs one, as in: export default"),
    ],
)
def test_a_worker_that_does_not_start_says_why_and_ends_with_2(refuse_worker: Refuse, source: str, why: str) -> None:
    ended = refuse_worker(source, "--location", "SJC", "--location", "NRT")
    assert (ended.returncode, ended.stdout) == (2, "")
    again, exit_line, *more = ended.stderr.splitlines()
    assert again == "  the Worker does not start; reading it again and starting it once more"
    assert exit_line.startswith("queue-emulator: the Worker does not start: ")
    told = "\n".join([exit_line, *more])
    assert why in told
    assert told.count("not start: ") == 1, "told once, not once a location"


def test_what_the_worker_says_while_it_starts_is_heard(refuse_worker: Refuse) -> None:
    ended = refuse_worker("console.log('first words'); throw new Error('then'); export default {};")
    assert "  worker SJC: first words" in ended.stderr


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--worker", "worker.ts"], "npx wrangler deploy --dry-run --outdir dist"),
        (["--worker", "none.mjs"], "there is no Worker at none.mjs: no such file"),
        (["--worker", "none"], "there is no Worker at none: no such file"),
        (["--worker", "."], "has no wrangler config with `main`"),
        (["--worker", "worker.mjs", "--var", "X"], "--var NAME=VALUE"),
        (["--worker", "worker.mjs", "--binding", "a-b"], "--binding must be NAME or NAME=NAMESPACE"),
        (["--worker", "worker.mjs", "--var", "CACHE=1", "--binding", "CACHE"], "CACHE is both"),
        (["--worker", "worker.mjs", "--rate-limit", "5"], "only for the Python Worker"),
        (["--worker", "worker.mjs", "--workerd", "nowhere"], "no workerd at nowhere, which --workerd or WORKERD names"),
        (["--worker", "worker.mjs", "--host", "0.0.0.0"], "no API key is set"),
        (["--var", "X=1"], "add --worker PATH"),
    ],
)  # fmt: skip
def test_what_cannot_be_served_is_refused_in_one_line(
    tmp_path: Path, workerd: Path, arguments: list[str], why: str
) -> None:
    for name in ("worker.mjs", "worker.ts"):
        (tmp_path / name).write_text(HELLO)
    given = [] if "--workerd" in arguments or "--worker" not in arguments else ["--workerd", str(workerd)]
    ended = run_here("serve", "--port", "0", "--ephemeral", *arguments, *given, folder=tmp_path)
    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)
    assert why in ended.stderr


def test_a_program_that_is_not_workerd_is_said_to_have_ended(tmp_path: Path) -> None:
    (tmp_path / "worker.mjs").write_text(HELLO)
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\nexit 7\n")
    program.chmod(0o700)
    arguments = ("--worker", "worker.mjs", "--compatibility-date", "2026-01-01", "--workerd", program)
    ended = run_here("serve", "--port", "0", "--ephemeral", *arguments, folder=tmp_path)
    assert ended.returncode == 2
    assert f"{program} ended with exit code 7 before it listened" in ended.stderr


def test_without_workerd_the_command_to_install_it_is_named(tmp_path: Path) -> None:
    (tmp_path / "worker.mjs").write_text(HELLO)
    ended = run_here(
        "serve", "--ephemeral", "--worker", "worker.mjs", folder=tmp_path, environment={"PATH": str(tmp_path)}
    )
    assert ended.returncode == 2
    assert "npm install workerd" in ended.stderr


def test_a_folder_with_a_config_names_its_main_module(tmp_path: Path, workerd: Path, serve_worker: ServeWorker) -> None:
    (tmp_path / "project" / "src").mkdir(parents=True)
    (tmp_path / "project" / "src" / "index.js").write_text(SHOWS_ENV)
    (tmp_path / "project" / "wrangler.toml").write_text(
        'main = "src/index.js"\ncompatibility_date = 2026-01-01\n[vars]\nX = "toml"\n'
        '[[kv_namespaces]]\nbinding = "KV"\n'
    )
    emulator = serve_worker(HELLO, "--worker", "project")
    assert emulator.ask("GET", "/").json() == {"KV": "KV", "X": "toml"}
    assert "  KV          KV" in emulator.banner
    assert no_keys(emulator), "no development key either: the code names none"


def test_what_of_a_config_is_not_served_is_said_at_the_start(serve_worker: ServeWorker, tmp_path: Path) -> None:
    config = {
        "r2_buckets": [{"binding": "BUCKET"}],
        "ai": {"binding": "AI"},
        "browser": {"binding": "STANDS_IN"},
        "triggers": {"crons": ["* * * * *"]},
        "assets": {"directory": "public"},
        "env": {"production": {}},
        "build": {"command": "make"},
        "define": {"VERSION": "1"},
        "pages_build_output_dir": "dist",
        "kv_namespaces": [{"binding": "FLAGS", "id": "a", "remote": True}],
    }
    (tmp_path / "wrangler.json").write_text(json.dumps(config))
    emulator = serve_worker(SHOWS_ENV, "--var", "STANDS_IN=x")
    assert [line for line in emulator.banner if line.startswith("  left out")] == [
        "  left out    env.BUCKET (r2_buckets), env.AI (ai): not supported here, undefined in the Worker",
        "  left out    triggers, assets, build, define, pages_build_output_dir, `remote` of FLAGS of the config: "
        "not supported here",
        "  left out    environments production of the config: only its top level is used",
    ]
    assert "              With all of it: queue-emulator run -- npx wrangler dev" in emulator.banner


def test_a_workerd_that_is_too_old_is_said_to_be(tmp_path: Path) -> None:
    """What the one of 2025-08-31 says of our config; it prints its version as that one does."""
    (tmp_path / "worker.mjs").write_text(SHOWS_ENV)
    old = tmp_path / "workerd"
    old.write_text(
        '#!/bin/sh\n[ "$1" = --version ] && echo "workerd 2025-08-31" && exit 0\n'
        "echo \"c.capnp:2:34-41: Struct has no field named 'logging'.\" >&2; exit 1\n"
    )
    old.chmod(0o755)
    done = run_here("serve", "--port", "0", "--ephemeral", "--worker", "worker.mjs", "--workerd", old, folder=tmp_path)
    assert done.returncode == 2
    assert f"{old} is workerd 2025-08-31, which is too old: 2025-09-20 or newer is needed." in done.stderr


def test_the_folder_of_the_package_is_a_place_of_workerd(tmp_path: Path, workerd: Path) -> None:
    modules = workerd.parents[3]
    for folder in (modules.parent, modules, modules / "workerd", workerd.parents[1]):
        assert find_binary(folder, ()) == workerd


@ON_LINUX
def test_a_runtime_that_dies_is_started_once_more_and_then_ends_us_with_1(serve_worker: ServeWorker) -> None:
    emulator = serve_worker(HELLO)
    kill(workerd_of(emulator))
    assert emulator.ask("GET", "/").text == "hello"
    assert "workerd died (signal 9); starting it once more" in emulator.log()
    kill(workerd_of(emulator))
    assert emulator.ended() == 1
    assert emulator.log().endswith("queue-emulator: workerd died again (signal 9); the first time: signal 9\n")


@ON_LINUX
def test_a_request_that_was_running_when_the_runtime_died_is_answered_502(serve_worker: ServeWorker) -> None:
    emulator = serve_worker(
        "export default { fetch() { console.log('asked'); return new Promise((done) => setTimeout(done, 60_000)); } };"
    )
    with socket.create_connection(("127.0.0.1", emulator.port)) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        while "asked" not in emulator.log():
            time.sleep(0.01)
        kill(workerd_of(emulator))
        response = http.client.HTTPResponse(connection)
        response.begin()
        assert (response.status, response.read()) == (502, b"The Worker's runtime gave no answer")


@ON_LINUX
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_nothing_is_left_however_we_end(serve_worker: ServeWorker, number: signal.Signals) -> None:
    emulator = serve_worker(HELLO)
    everything = below(emulator.process.pid)
    assert len(everything) >= 3, "we, workerd, and its guard"
    (folder,) = {part for pid in everything for part in _folders_of(pid)}
    code = emulator.stop(number)
    assert code == (0 if number != signal.SIGKILL else -9)
    _until_gone(everything, folder)


@ON_LINUX
def test_all_of_it_listens_on_loopback_and_on_one_port(hello: Emulator) -> None:
    inodes = {inode for pid in below(hello.process.pid) for inode in _sockets_of(pid)}
    assert [(address, port) for inode, address, port in _listening() if inode in inodes] == [("0100007F", hello.port)]


@ON_LINUX
def test_secrets_lie_on_no_disk_while_the_worker_runs(hello: Emulator) -> None:
    (folder,) = {part for pid in below(hello.process.pid) for part in _folders_of(pid)}
    assert not [path for path in folder.rglob("*") if path.is_file() and b"the-secret" in path.read_bytes()]
    assert folder.stat().st_mode & 0o077 == 0


def test_a_worker_that_keeps_running_does_not_keep_us_from_ending(serve_worker: ServeWorker) -> None:
    emulator = serve_worker(
        "export default { fetch(request, env, ctx) { ctx.waitUntil(new Promise((done) => setTimeout(done, 60_000)));"
        " return new Response('answered'); } };"
    )
    assert emulator.ask("GET", "/").text == "answered"
    assert emulator.stop() == 0


@ON_LINUX
def test_a_worker_that_spins_does_not_keep_us_from_ending(serve_worker: ServeWorker) -> None:
    emulator = serve_worker("export default { fetch() { console.log('spinning'); while (true) {} } };")
    everything = below(emulator.process.pid)
    with socket.create_connection(("127.0.0.1", emulator.port)) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        while "spinning" not in emulator.log():
            time.sleep(0.01)
        assert emulator.stop() == 0
    assert not alive(everything)


def _folders_of(pid: int) -> set[Path]:
    arguments = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
    folders = Path(tempfile.gettempdir()).glob("queue-emulator-*")
    return {each for each in folders if any(argument.startswith(str(each)) for argument in arguments)}


def _sockets_of(pid: int) -> list[str]:
    links = [str(each.readlink()) for each in Path(f"/proc/{pid}/fd").iterdir()]
    return [link[8:-1] for link in links if link.startswith("socket:[")]


def _listening() -> list[tuple[str, str, int]]:
    found = []
    for table in ("tcp", "tcp6", "udp", "udp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            address, _, port = fields[1].rpartition(":")
            if fields[3] in ("0A", "07"):
                found.append((fields[9], address, int(port, 16)))
    return found


def _until_gone(pids: list[int], folder: Path) -> None:
    for _ in range(200):
        if not alive(pids) and not folder.exists():
            return
        time.sleep(0.05)  # the kernel tells nobody of the death of a grandchild
    raise AssertionError(f"left: {alive(pids)}, {folder}")


def test_a_websocket_handshake_is_answered_as_the_request_it_is_and_others_go_on(hello: Emulator) -> None:
    upgrade = (
        b"Connection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    )
    assert raw_http.exchange(hello.port, raw_http.get(b"/", upgrade)).body == b"hello"
    assert hello.ask("GET", "/").text == "hello"


def test_the_api_knows_a_namespace_by_the_id_of_the_wrangler_config(serve_worker: ServeWorker, tmp_path: Path) -> None:
    ids = {"CACHE": "0f2ac74b498b48028cb68387c421e279", "OTHER": "not an id"}
    config = {"kv_namespaces": [{"binding": name, "id": id} for name, id in ids.items()]}
    (tmp_path / "wrangler.json").write_text(json.dumps(config))
    script = "export default { fetch: async (_, env) => new Response(await env.CACHE.get('k')) };"
    emulator = serve_worker(script, environment={"EMULATOR_API_TOKEN": "token"})
    assert f"              namespace CACHE has the id {ids['CACHE']}" in emulator.banner
    path = f"/client/v4/accounts/{ACCOUNT_ID}/storage/kv/namespaces/{ids['CACHE']}/values/k"
    put = emulator.ask("PUT", path, content=b"seen", headers={"Authorization": "Bearer token"})
    assert put.json()["success"] is True
    assert emulator.ask("GET", "/").text == "seen"


MANY = """
export default { fetch: async (request, env) => {
  for (let n = 0; n < 1100; n++) await env.CACHE.get("k");
  return new Response("done");
} };
"""


def test_what_connection_names_does_not_take_the_limit_of_operations_away(serve_worker: ServeWorker) -> None:
    emulator = serve_worker(MANY)
    for headers in (b"Connection: host\r\n", b"Connection: content-length\r\n"):
        for _ in range(2):
            assert raw_http.exchange(emulator.port, raw_http.get(b"/", headers)).status == 500
    wait_for(lambda: "Too many API requests by single Worker invocation" in emulator.log())
