"""A folder of a Worker that is made to do harm: nothing endless is copied, nothing changed, and no key is told."""

import os
import re
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from queue_contracts.mutants.catalogue import Change, Mutant, MutantError, write_mutant
from queue_contracts.mutants.hunt import Bench, Run, run_checks

MUTANT = Mutant("is made up", "test_x.py::test_y", (Change("worker.mjs", "before", "after"),))
KEY = re.compile(r"[A-Za-z0-9_-]{32}")  # as each that is made for a run


@pytest.fixture
def worker(tmp_path: Path) -> Path:
    folder = tmp_path / "worker"
    folder.mkdir()
    (folder / "worker.mjs").write_text("before")
    return folder


def huge(path: Path) -> None:
    path.touch()
    os.truncate(path, 1 << 30)


@pytest.mark.parametrize(
    ("put", "why"),
    [
        (os.mkfifo, "not a regular file"),
        (lambda path: path.symlink_to("/dev/zero"), "not a regular file"),
        (lambda path: path.symlink_to(path), "Too many levels of symbolic links"),
        (lambda path: path.symlink_to("nothing"), "No such file or directory"),
        (huge, "more than 134,217,728 bytes"),
    ],
    ids=["a pipe", "a device", "a link to itself", "a link to nothing", "a gigabyte"],
)
def test_what_is_no_file_of_a_worker_is_named_in_one_line(
    worker: Path, tmp_path: Path, put: Callable[[Path], object], why: str
) -> None:
    put(worker / "asset")
    with pytest.raises(MutantError) as refused:
        write_mutant(MUTANT, worker, tmp_path / "copy")
    assert str(refused.value) == f"the Worker cannot be copied: {worker / 'asset'}: {why}"


def test_what_links_lead_to_is_not_changed_and_no_folder_is_copied_without_end(worker: Path, tmp_path: Path) -> None:
    (worker / "worker.mjs").rename(tmp_path / "elsewhere.mjs")
    (worker / "worker.mjs").symlink_to(tmp_path / "elsewhere.mjs")
    (worker / "again").symlink_to(".")
    write_mutant(MUTANT, worker, tmp_path / "copy")
    assert (tmp_path / "copy" / "worker.mjs").read_text() == "after"
    assert (tmp_path / "elsewhere.mjs").read_text() == "before"
    assert (tmp_path / "copy" / "again").resolve() == worker


SHOWS_KEYS = """
import base64, html, json
from urllib.parse import quote
import pytest

SPELLED = {
    "plain": str, "json": json.dumps, "html": html.escape, "twice": lambda key: html.escape(json.dumps({key: key})),
    "percent": lambda key: "".join(f"%{ord(each):02x}" for each in key), "repr": lambda key: repr(repr(key)),
    "base64": lambda key: base64.b64encode(key.encode()).decode(), "hex": lambda key: key.encode().hex(),
    "escaped": lambda key: "".join(f"\\\\u{ord(each):04x}" for each in key),
    "lines": lambda key: f"{key[:9]}\\n{key[9:]}",
}

def shown(spell, target):
    raise AssertionError(f"<{spell(target.queue_key)}> <{spell(target.admin_key)}>")
"""
SPELLINGS = ("plain", "json", "html", "twice", "percent", "repr", "base64", "hex", "escaped", "lines")
SETUP = """
@pytest.fixture
def broken(target):
    raise RuntimeError(json.dumps([target.queue_key]))

def test_of_a_fixture(broken):
    pass
"""


@pytest.mark.runtime
@pytest.mark.slow
def test_a_check_that_fails_with_a_key_tells_none(tmp_path: Path, bench: Bench, hunter: ProcessPoolExecutor) -> None:
    own = tmp_path / "test_own.py"
    checks = "".join(f"def test_{each}(target):\n    shown(SPELLED[{each!r}], target)\n" for each in SPELLINGS)
    own.write_text(f"{SHOWS_KEYS}\n{checks}\n{SETUP}")
    run: Run = hunter.submit(run_checks, (str(own),), bench).result()
    assert len(run.failed) == len(SPELLINGS)
    for said in run.failed.values():
        assert "$CONTRACT_QUEUE_KEY" in said
        assert "$CONTRACT_ADMIN_KEY" in said
        assert not KEY.search(said), said
        assert not re.search(r"(%|\\u00)?[0-9a-f]{40}", said), said
    (error,) = run.errors
    assert '["$CONTRACT_QUEUE_KEY"]' in error
    assert not KEY.search(error.replace("-", " ").replace(str(own), ""))


@pytest.mark.runtime
@pytest.mark.slow
def test_a_worker_that_throws_its_keys_when_it_starts_tells_none(
    tmp_path: Path, bench: Bench, hunter: ProcessPoolExecutor
) -> None:
    (tmp_path / "wrangler.jsonc").write_text('{"main": "worker.mjs", "compatibility_date": "2026-01-01"}')
    (tmp_path / "worker.mjs").write_text(
        'import { env } from "cloudflare:workers";\n'
        "console.log(JSON.stringify(env));\n"
        "throw new Error(`${env.QUEUE_API_KEY} ${JSON.stringify(env)} ${btoa(env.ADMIN_API_KEY)}`);\n"
        "export default {};\n"
    )
    run: Run = hunter.submit(run_checks, ("test_keys.py",), Bench(tmp_path, bench.workerd)).result()
    told = "\n".join((*run.errors, *run.failed.values()))
    assert '"QUEUE_API_KEY":"$QUEUE_API_KEY","ADMIN_API_KEY":"$ADMIN_API_KEY"' in told
    assert not KEY.search(told.replace(str(tmp_path), "")), told
