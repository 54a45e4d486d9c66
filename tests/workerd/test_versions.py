"""Several versions of a Worker of one's own at once: which answers what, over one KV, and what is refused."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from tests.cli.emulator_process import wait_for
from tests.workerd.serving import ON_LINUX, ServeWorker, kill, refuse_worker, serve_worker, workerds_of

__all__ = ["refuse_worker", "serve_worker"]

pytestmark = pytest.mark.slow

Refuse = Callable[..., "CompletedProcess[str]"]
KEY, OVERRIDES = "Cloudflare-Workers-Version-Key", "Cloudflare-Workers-Version-Overrides"


def version(name: str) -> str:
    """A Worker that says which it is, and whose last write it sees."""
    return f"""
        export default {{ async fetch(request, env) {{
          if (request.method === "PUT") await env.CACHE.put("by", "{name}");
          console.log("asked");
          return Response.json(["{name}", await env.CACHE.get("by"), Date.now()]);
        }} }};
    """


@pytest.fixture
def old(tmp_path: Path) -> tuple[str, str]:
    """The options for a version called old."""
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "index.mjs").write_text(version("old"))
    return "--version", "old=old/index.mjs"


def test_each_location_has_its_version_over_one_kv_that_is_reset_and_on_one_clock(
    serve_worker: ServeWorker, old: tuple[str, str], tmp_path: Path
) -> None:
    places = ("--location", "SJC", "--location", "NRT", "--machines", "2", "--worker-version", "NRT=old")
    emulator = serve_worker(version("new"), *old, *places)
    assert "  profile     cloudflare, SJC, NRT, a Worker on workerd, Worker version new, old at NRT" in emulator.banner
    assert f"  version     old: {tmp_path / 'old' / 'index.mjs'}" in emulator.banner

    def ask(method: str = "GET", at: str = "SJC", **headers: str) -> list[object]:
        answer = emulator.ask(method, "/", headers={"X-Emulator-Location": at, "X-Emulator-Machine": "1"} | headers)
        found: list[object] = answer.json()
        return found

    assert ask("PUT", "NRT")[:2] == ["old", "old"]
    assert ask()[:2] == ["new", "old"]
    assert ask(**{KEY: "ann"})[0] == "new", "a key decides where the requests are divided"
    assert ask(**{OVERRIDES: 'mine="old"'})[0] == "old"
    assert emulator.ask("POST", "/cdn-cgi/emulator/clock", json={"set": "2033-05-18T03:33:20Z"}).status_code == 200
    for at in ("SJC", "NRT"):
        assert int(str(ask(at=at)[2])) >= 2_000_000_000_000
    assert emulator.ask("POST", "/cdn-cgi/emulator/reset").status_code == 200
    assert [ask(at=at)[1] for at in ("SJC", "NRT")] == [None, None]
    assert emulator.ask("GET", "/", headers={"X-Emulator-Location": "LHR"}).status_code == 400
    wait_for(lambda: "  old: worker NRT: asked" in emulator.log() and "  new: worker SJC: asked" in emulator.log())
    assert re.search(r"^PUT / 200 \d+\.\d ms NRT, version old, 2 KV operations$", emulator.log(), re.MULTILINE)
    assert re.search(r"^GET / 200 \d+\.\d ms SJC, version new, 1 KV operation", emulator.log(), re.MULTILINE)
    journal = [json.loads(line) for line in emulator.ask("GET", "/cdn-cgi/emulator/journal").text.splitlines()]
    assert [(each["location"], each["workerVersion"]) for each in journal] == [("SJC", "new"), ("NRT", "old")]
    overview = emulator.ask("GET", "/cdn-cgi/emulator/overview").json()
    assert overview["workerVersion"] is None
    assert [each["name"] for each in overview["workerVersions"]] == ["new", "old"]


def test_requests_are_divided_and_a_version_without_a_share_can_be_asked_for(
    serve_worker: ServeWorker, old: tuple[str, str]
) -> None:
    emulator = serve_worker(version("new"), *old, "--split", "new=100,old=0")
    assert {emulator.ask("GET", "/").json()[0] for _ in range(10)} == {"new"}
    assert emulator.ask("GET", "/", headers={OVERRIDES: 'mine="old"'}).json()[0] == "old"
    divided = serve_worker(version("new"), *old, "--split", "old=50,new=50", "--random-seed", "1")
    assert {divided.ask("GET", "/").json()[0] for _ in range(30)} == {"new", "old"}
    for key in ("ann", "bob"):
        assert len({divided.ask("GET", "/", headers={KEY: key}).json()[0] for _ in range(10)}) == 1


def test_a_version_whose_config_has_another_id_has_another_namespace(
    serve_worker: ServeWorker, old: tuple[str, str], tmp_path: Path
) -> None:
    for folder, id in ((tmp_path, "a" * 32), (tmp_path / "old", "b" * 32)):
        config = f'{{"main": "index.mjs", "kv_namespaces": [{{"binding": "CACHE", "id": "{id}"}}]}}'
        (folder / "wrangler.json").write_text(config)
    emulator = serve_worker(version("new"), *old, "--split", "new=100,old=0")

    def ask(name: str, method: str = "GET") -> list[object]:
        found: list[object] = emulator.ask(method, "/", headers={OVERRIDES: f'mine="{name}"'}).json()
        return found[:2]

    assert ask("new", "PUT") == ["new", "new"]
    assert ask("old") == ["old", None]
    assert ask("old", "PUT") == ["old", "old"]
    assert ask("new") == ["new", "new"]


@ON_LINUX
def test_a_version_whose_runtime_dies_is_started_again_and_the_other_answers_meanwhile(
    serve_worker: ServeWorker, old: tuple[str, str]
) -> None:
    emulator = serve_worker(version("new"), *old, "--split", "new=50,old=50")
    first, second = workerds_of(emulator)
    kill(first)
    for _ in range(3):
        answers = [emulator.ask("GET", "/", headers={OVERRIDES: f'mine="{name}"'}) for name in ("new", "old")]
    assert [answer.json()[0] for answer in answers] == ["new", "old"]
    wait_for(lambda: ": workerd died (signal 9); starting it once more" in emulator.log())
    assert second in workerds_of(emulator)
    assert emulator.stop() == 0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--version", "old=none.mjs", "--split", "old=90,new=10"], "there is no Worker at none.mjs: no such file"),
        (["--version", "old=worker.mjs"], "--version old: no request would go to it; add --worker-version SJC=old or"),
        (["--version", "worker.mjs"], "--version takes NAME=PATH, a name of letters and digits, not 'worker.mjs'"),
        (["--version", "new=worker.mjs"], "new is the version of --worker; choose another name"),
        (["--version", "a=worker.mjs", "--version", "a=worker.mjs"], "--version is given twice for a"),
        (["--version", "old=worker.mjs", "--split", "old=90,new=20"], "two versions whose shares add up to 100"),
        (["--version", "old=worker.mjs", "--split", "odd=90,new=10"], "unknown version 'odd' of the Worker; there are"),
        (["--worker-version", "old"], "unknown version 'old' of the Worker; there are new"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_one_line(options: list[str], said: str, refuse_worker: Refuse) -> None:
    refused = refuse_worker(version("new"), *options)
    assert refused.returncode == 2
    assert said in refused.stderr
    assert len(refused.stderr.splitlines()) == 1


def test_a_version_that_does_not_compile_is_told_by_its_name(refuse_worker: Refuse, tmp_path: Path) -> None:
    (tmp_path / "broken.mjs").write_text("export default { fetch() { return")
    refused = refuse_worker(version("new"), "--version", "old=broken.mjs", "--worker-version", "old")
    assert refused.returncode == 2
    assert "SyntaxError" in refused.stderr
