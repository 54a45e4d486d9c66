"""What a Worker is bound to: flags over secrets over the wrangler config, and what cannot be bound."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from queue_emulator.core.errors import EmulatorError, SettingsError
from queue_emulator.settings import ApiToken, read_worker
from queue_emulator.testing import member
from queue_emulator.workerd.binary import find_binary
from queue_emulator.workerd.bindings import WorkerFlags, plan_worker, with_secrets
from queue_emulator.workerd.extra import require_extra
from queue_emulator.workerd.wrangler import find_config, read_config

JSONC = """{
  // a comment with "quotes" and a , comma
  "name": "queue", /* and
  another */ "main": "src/index.mjs",
  "compatibility_date": "2026-07-01",
  "compatibility_flags": ["nodejs_compat"],
  "vars": { "URL": "https://example.com/*not a comment*/", "DATA": [1, { "a": null }] },
  "kv_namespaces": [
    { "binding": "CACHE", "id": "5f" },
    { "binding": "SAME", "id": "6f", "preview_id": "5f" },
    { "binding": "NO_ID" },
    { "binding": "NO_ID_EITHER" },
  ],
}
"""
TOML = """
name = "queue"
main = "src/index.mjs"
compatibility_date = "2026-07-01"
compatibility_flags = ["nodejs_compat"]
kv_namespaces = [
  { binding = "CACHE", id = "5f" }, { binding = "SAME", id = "5f" },
  { binding = "NO_ID" }, { binding = "NO_ID_EITHER" },
]
[vars]
URL = "https://example.com/*not a comment*/"
DATA = [1, { a = true }]
"""


@pytest.fixture
def worker(tmp_path: Path) -> Path:
    main = tmp_path / "src" / "index.mjs"
    main.parent.mkdir()
    main.write_text("export default {};")
    return main


@pytest.mark.parametrize(
    ("name", "text"), [("wrangler.jsonc", JSONC), ("wrangler.json", JSONC), ("wrangler.toml", TOML)]
)
def test_a_config_is_read_in_every_form(tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    config = read_config(path)
    assert config.main == tmp_path / "src" / "index.mjs"
    assert config.kv == {"CACHE": "CACHE", "SAME": "CACHE", "NO_ID": "NO_ID", "NO_ID_EITHER": "NO_ID_EITHER"}
    assert config.variables["URL"] == "https://example.com/*not a comment*/"
    assert member(config.variables["DATA"], 0) == 1
    assert (config.compatibility_date, config.compatibility_flags) == ("2026-07-01", ("nodejs_compat",))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "cannot read"),
        ("[]", "must be an object"),
        ('{"vars": []}', "vars must be a table, not []"),
        ('{"main": 1}', "main must be a string, not 1"),
        ('{"kv_namespaces": {}}', "kv_namespaces must be an array, not {}"),
        ('{"compatibility_flags": ["a", 1]}', "compatibility_flags[1] must be a string, not 1"),
        ('{"kv_namespaces": [{"id": "x"}]}', "kv_namespaces[0].binding is missing"),
        ('{"kv_namespaces": ["x"]}', "kv_namespaces[0] must be a table, not 'x'"),
        ('{"kv_namespaces": [{"binding": "A", "id": "x"}, {"binding": "A"}]}', "[1] binds A a second time"),
        (
            '{"kv_namespaces": [{"binding": "A", "id": 5}]}',
            "kv_namespaces[0].id must be a string that is not empty",
        ),
        (
            '{"kv_namespaces": [{"binding": "A", "id": ""}]}',
            "id must be a string that is not empty, not ''",
        ),
        ('{"vars": {"X": -Infinity}}', "vars.X is -inf; a variable is a string, a finite number"),
        ('{"vars": {"X": 1e999}}', "vars.X is inf"),
    ],
)
def test_a_config_that_is_wrong_is_refused_by_name(tmp_path: Path, text: str, why: str) -> None:
    path = tmp_path / "wrangler.json"
    path.write_text(text)
    with pytest.raises(SettingsError) as refused:
        read_config(path)
    assert str(path) in str(refused.value)
    assert why in str(refused.value)


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("2026-01-02", "vars.X is the TOML date or time 2026-01-02; a variable is a string, a finite number, true"),
        ("2026-01-02T03:04:05Z", "vars.X is the TOML date or time 2026-01-02 03:04:05"),
        ("03:04:05", "vars.X is the TOML date or time 03:04:05"),
        ("nan", "vars.X is nan; a variable is"),
        ("{ a = [1, { b = -inf }] }", "vars.X.a[1].b is -inf"),
        ("{ a = [2026-01-02] }", "vars.X.a[0] is the TOML date"),
    ],
)
def test_a_variable_that_json_cannot_hold_is_refused_by_name(tmp_path: Path, value: str, why: str) -> None:
    path = tmp_path / "wrangler.toml"
    path.write_text(f"[vars]\nX = {value}\n")
    with pytest.raises(SettingsError) as refused:
        read_config(path)
    assert str(refused.value).startswith(f"{path}: {why}")
    assert "\n" not in str(refused.value)


def test_a_config_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "wrangler.toml"
    path.write_text("\ufeff[vars]\nX = 'y'\n", "utf-8")
    assert read_config(path).variables == {"X": "y"}


def test_every_name_of_a_binding_that_wrangler_takes_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "wrangler.toml"
    path.write_text('kv_namespaces = [{ binding = "a b" }, { binding = "1-a", id = "x" }]')
    assert list(read_config(path).kv) == ["a b", "1-a"]


OTHER_BINDINGS = """
kv_namespaces = [{ binding = "CACHE" }]
r2_buckets = [{ binding = "BUCKET", bucket_name = "b" }]
send_email = [{ name = "MAIL" }]
define = { binding = "no binding" }
containers = [{ name = "no binding" }]
[ai]
binding = "AI"
[queues]
producers = [{ binding = "TASKS", queue = "q" }]
consumers = [{ queue = "q" }]
[durable_objects]
bindings = [{ name = "ROOM", class_name = "Room" }]
[text_blobs]
TEXT = "text.txt"
[vars]
VARIABLE = { binding = "no binding" }
[env.production]
r2_buckets = [{ binding = "OTHER", bucket_name = "b" }]
[env.staging]
"""


def test_bindings_that_are_not_served_and_environments_are_known_by_name(worker: Path, tmp_path: Path) -> None:
    (tmp_path / "wrangler.toml").write_text(OTHER_BINDINGS)
    plan = plan_worker(WorkerFlags(worker))
    assert plan.unserved == {
        "BUCKET": "r2_buckets",
        "MAIL": "send_email",
        "AI": "ai",
        "TASKS": "queues",
        "ROOM": "durable_objects",
        "TEXT": "text_blobs",
    }
    assert plan.environments == ("production", "staging")
    assert "BUCKET" not in plan_worker(WorkerFlags(worker, bindings=("BUCKET",))).unserved


def test_the_nearest_config_above_is_found(tmp_path: Path) -> None:
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    (tmp_path / "wrangler.toml").write_text("")
    assert find_config(below) == tmp_path / "wrangler.toml"
    (tmp_path / "a" / "wrangler.jsonc").write_text("{}")
    (tmp_path / "a" / "wrangler.toml").write_text("")
    assert find_config(below) == tmp_path / "a" / "wrangler.jsonc"


def test_without_config_and_flags_there_is_the_binding_cache(worker: Path) -> None:
    plan = plan_worker(WorkerFlags(worker))
    assert (plan.main, plan.kv, plan.variables, plan.controlled) == (worker, {"CACHE": "CACHE"}, {}, "CACHE")
    assert (plan.compatibility_date, plan.compatibility_flags, plan.folder) == (None, (), worker.parent)


def test_flags_win_over_the_config(worker: Path, tmp_path: Path) -> None:
    (tmp_path / "wrangler.jsonc").write_text(JSONC)
    plan = plan_worker(
        WorkerFlags(
            worker,
            bindings=("NO_ID=elsewhere", "MORE"),
            variables=("URL=a=b", "NEW="),
            compatibility_date="2026-01-01",
            compatibility_flags=("nodejs_compat", "more"),
        )
    )
    assert (plan.kv["NO_ID"], plan.kv["MORE"], plan.kv["CACHE"]) == ("elsewhere", "MORE", "CACHE")
    assert (plan.variables["URL"], plan.variables["NEW"]) == ("a=b", "")
    assert (plan.compatibility_date, plan.compatibility_flags) == ("2026-01-01", ("nodejs_compat", "more"))
    assert (plan.config, plan.folder) == (tmp_path / "wrangler.jsonc", tmp_path)


def test_the_controls_speak_of_the_first_namespace_if_none_is_bound_as_cache(worker: Path) -> None:
    assert plan_worker(WorkerFlags(worker, bindings=("B=two", "A=one"))).controlled == "two"
    assert plan_worker(WorkerFlags(worker, bindings=("B=two", "CACHE=one"))).controlled == "one"


@pytest.mark.parametrize("named", ["", "wrangler.jsonc"])
def test_a_folder_or_a_config_names_the_main_module(worker: Path, tmp_path: Path, named: str) -> None:
    (tmp_path / "wrangler.jsonc").write_text(JSONC)
    assert plan_worker(WorkerFlags(tmp_path / named)).main == worker


def test_a_folder_without_a_config_is_no_worker_though_there_is_one_above(worker: Path, tmp_path: Path) -> None:
    (tmp_path / "wrangler.jsonc").write_text(JSONC)
    with pytest.raises(SettingsError) as caught:
        plan_worker(WorkerFlags(worker.parent))
    assert str(caught.value).startswith(
        f"{worker.parent} has no wrangler config with `main`: add one, name the one above it, {tmp_path}/wrangler.jsonc"
    )


@pytest.mark.parametrize("named", ["pipe.mjs", "device.mjs", "wrangler.toml", "project", "/dev/null", "loop.mjs"])
def test_what_is_no_file_is_neither_waited_for_nor_called_missing(tmp_path: Path, named: str) -> None:
    os.mkfifo(tmp_path / "pipe.mjs")
    os.mkfifo(tmp_path / "wrangler.toml")
    (tmp_path / "device.mjs").symlink_to("/dev/zero")
    (tmp_path / "loop.mjs").symlink_to("loop.mjs")
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "wrangler.toml").write_text('main = "../pipe.mjs"')
    with pytest.raises(SettingsError) as caught:
        plan_worker(WorkerFlags(tmp_path / named))
    path = {"project": tmp_path / "project" / ".." / "pipe.mjs"}.get(named, tmp_path / named)
    why = "no such file" if named == "loop.mjs" else "not a regular file"
    assert str(caught.value) == f"there is no Worker at {path}: {why}"


@pytest.mark.parametrize("path", [".dev.vars", "wrangler.toml"])
def test_a_folder_in_the_place_of_a_file_is_refused_in_our_words(worker: Path, path: str) -> None:
    (worker.parent / path).mkdir()
    with pytest.raises(EmulatorError, match=r"is not a regular file$"):
        read_config(worker.parent / path)


@pytest.mark.parametrize(
    ("flags", "why"),
    [
        ({"bindings": ("a b",)}, "--binding must be NAME or NAME=NAMESPACE"),
        ({"variables": ("X",)}, "not --var NAME=VALUE"),
        ({"bindings": ("X",), "variables": ("X=1",)}, "X is both a KV namespace binding and a variable"),
    ],
)
def test_flags_that_cannot_be_are_refused(worker: Path, flags: dict[str, Any], why: str) -> None:
    with pytest.raises(SettingsError, match=why):
        plan_worker(WorkerFlags(worker, **flags))


def test_a_secret_wins_over_the_config_and_not_over_a_flag(worker: Path, tmp_path: Path) -> None:
    (tmp_path / "wrangler.json").write_text('{"vars": {"A": "config", "B": "config"}}')
    plan = plan_worker(WorkerFlags(worker, variables=("B=flag",)))
    values = {name: json.loads(each) for name, each in with_secrets(plan, {"A": "secret", "B": "secret"}).items()}
    assert values == {"A": "secret", "B": "flag"}
    with pytest.raises(SettingsError, match="CACHE is both a KV namespace binding and a secret"):
        with_secrets(plan, {"CACHE": "x"})


def test_keys_that_the_worker_is_bound_to_need_no_development_keys(worker: Path, workerd: Path) -> None:
    flags = WorkerFlags(worker, variables=("QUEUE_API_KEY=mine",))
    settings, source = read_worker(flags, workerd=workerd, host="0.0.0.0")
    assert (source.development, source.sources) == (False, {"QUEUE_API_KEY": "a variable"})
    assert settings.variables == {"QUEUE_API_KEY": '"mine"'}


def test_a_version_without_keys_of_its_own_has_those_of_the_version_beside_it(worker: Path, tmp_path: Path) -> None:
    """One of another folder, where no `.dev.vars` is: its clients are the same."""
    (worker.parent / ".dev.vars").write_text("QUEUE_API_KEY=mine\nSECRET=s\n")
    old = tmp_path / "old" / "worker.mjs"
    old.parent.mkdir()
    old.write_text("export default { fetch: (request, env) => new Response(env.QUEUE_API_KEY) }")
    _, keys = read_worker(WorkerFlags(worker), workerd=worker, host="0.0.0.0")
    version, source = read_worker(WorkerFlags(old), workerd=worker, host="0.0.0.0", beside=keys)
    assert (version.variables, source.development) == ({"QUEUE_API_KEY": '"mine"'}, False)
    (old.parent / ".dev.vars").write_text("QUEUE_API_KEY=its own\n")
    version, _ = read_worker(WorkerFlags(old), workerd=worker, host="0.0.0.0", beside=keys)
    assert version.variables == {"QUEUE_API_KEY": '"its own"'}


def test_the_binary_is_found_in_a_node_modules_above(tmp_path: Path) -> None:
    binary = tmp_path / "node_modules" / "@cloudflare" / "workerd-linux-64" / "bin" / "workerd"
    binary.parent.mkdir(parents=True)
    binary.touch()
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    assert find_binary(None, [below]) == binary
    assert find_binary(tmp_path, []) == binary
    assert find_binary(tmp_path / "node_modules", []) == binary
    assert find_binary(binary, []) == binary
    with pytest.raises(SettingsError, match=r"there is no workerd at .*; install it with: npm install workerd"):
        find_binary(below, [])


def test_without_an_option_it_is_what_workerd_names_for_whoever_runs_a_worker(
    worker: Path, workerd: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`serve`, `explore` and the fixtures of pytest all come this way."""
    monkeypatch.setenv("WORKERD", str(workerd))
    assert read_worker(WorkerFlags(worker), workerd=None, host="127.0.0.1")[0].binary == workerd
    monkeypatch.setenv("WORKERD", str(tmp_path / "none"))
    assert read_worker(WorkerFlags(worker), workerd=workerd, host="127.0.0.1")[0].binary == workerd
    with pytest.raises(SettingsError, match=r"there is no workerd at .*none, which --workerd or WORKERD names"):
        read_worker(WorkerFlags(worker), workerd=None, host="127.0.0.1")


def test_a_missing_extra_is_named_with_the_command_that_installs_it() -> None:
    with pytest.raises(SettingsError, match=r"pip install 'queue-emulator\[workerd\]'"):
        require_extra(["json", "no_such_package"])
    require_extra()


def test_the_token_of_cloudflare_s_api_is_the_emulator_s_and_no_secret_of_the_worker(tmp_path: Path) -> None:
    main, binary = tmp_path / "worker.mjs", tmp_path / "workerd"
    for path in (main, binary):
        path.touch()
    (tmp_path / ".dev.vars").write_text("EMULATOR_API_TOKEN=t\nSECRET=s\n")
    worker, source = read_worker(WorkerFlags(main), workerd=binary, host="127.0.0.1")
    assert dict(worker.variables)["SECRET"] == '"s"'
    assert "EMULATOR_API_TOKEN" not in worker.variables
    assert source.api_token == ApiToken("t", ".dev.vars")
