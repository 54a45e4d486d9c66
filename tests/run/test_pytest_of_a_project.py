"""A wrangler project of the user's own in pytest: its own wrangler runs it, over the KV of the test that runs."""

import shutil
import subprocess
import sys
from pathlib import Path

from tests.cli.emulator_process import FIXTURES
from tests.run.probe_tools import installed
from tests.run.tool import environment_of

TESTS = """
import pytest

pytestmark = pytest.mark.queue_emulator(worker=".", locations=["SJC", "NRT"])


def price(at):
    return at.post("/orders", {"item": "tea"}).json()["price"]


@pytest.mark.parametrize("number", range(3))
def test_an_order_in_tokyo_is_made_at_the_old_price(emulator, emulator_clock, kv, number):
    san_jose, tokyo = emulator.at("SJC"), emulator.at("NRT")
    assert emulator.post("/orders", {"item": "tea"}).status == 404, "no test before has left a price"
    assert san_jose.request("PUT", "/prices/tea", content=b"10").status == 204
    assert kv.of("PRICES").get("tea") == "10"
    emulator_clock.advance(60)
    assert price(tokyo) == 10
    san_jose.request("PUT", "/prices/tea", content=b"12")
    assert (price(san_jose), price(tokyo)) == (12, 10)
    emulator_clock.advance(60)
    assert price(tokyo) == 12


def test_that_fails(emulator):
    emulator.post("/orders", {"item": "tea"})
    raise AssertionError
"""
BROKEN = """
import pytest

@pytest.mark.queue_emulator(worker="wrangler.jsonc")
@pytest.mark.parametrize("number", range(2))
def test_it(emulator, number):
    pass
"""


def ran(folder: Path, source: str) -> str:
    """What pytest writes of a user's tests in a copy of fixtures/shop."""
    (folder / "test_shop.py").write_text(source)
    without = ("-p", "no:cacheprovider", "-p", "no:schemathesis", "-p", "no:hypothesispytest")  # slow to load, not used
    command = (sys.executable, "-m", "pytest", "-q", "-rN", *without, "-W", "error")
    done = subprocess.run(
        command, cwd=folder, env=environment_of(folder), capture_output=True, encoding="utf-8", check=False
    )
    return done.stdout


def copy_of_shop(into: Path) -> Path:
    folder = into / "shop"
    shutil.copytree(FIXTURES / "shop", folder)
    return folder


def test_a_project_runs_through_its_own_wrangler_and_each_test_has_a_kv_of_its_own(tmp_path: Path) -> None:
    folder = copy_of_shop(tmp_path)
    (folder / "node_modules").symlink_to(installed("wrangler-4.164"))
    said = ran(folder, TESTS)
    assert "1 failed, 3 passed" in said, said
    assert "  +0.000 s  SJC  get tea of PRICES -> nothing  (POST /orders)" in said
    assert not (folder / ".wrangler" / "state").exists(), "the developer's own state is left alone"


def test_a_project_that_does_not_start_shows_what_its_wrangler_says_once(tmp_path: Path) -> None:
    folder = copy_of_shop(tmp_path)
    without = ran(folder, BROKEN)
    assert f"no wrangler was found in node_modules of {folder} or above: run npm install wrangler there" in without
    (folder / "node_modules").symlink_to(installed("wrangler-4.164"))
    (folder / "wrangler.jsonc").write_text('{ "main": "none.ts" }')
    said = ran(folder, BROKEN)
    assert f"the Worker of {folder}/wrangler.jsonc does not start: wrangler ended with exit code 1" in said
    assert said.count('The entry-point file at "none.ts" was not found') == 1, said
    assert "2 errors" in said
