"""What a Node process below `run` loads: nothing changes without miniflare, and an unknown one is not run on."""

import json
from pathlib import Path

import pytest

from tests.run.tool import StartRun, node

PLUGIN = """
  KV_PLUGIN: {
    async getBindings(options) {
      return Object.entries(options.kvNamespaces ?? {}).map(([name]) => ({ name, kvNamespace: { name: "local" } }));
    },
    async getServices({ options }) { return [{ name: "local" }]; },
  },
"""
CLASS = """
  Miniflare: class Miniflare {
    constructor(options) { this.options = options; this.ready = Promise.resolve(new URL("http://127.0.0.1:1/")); }
    async setOptions(options) { this.options = options; }
    async unsafeGetDirectURL(name) { return new URL("http://127.0.0.1:2/"); }
  },
"""


def package(folder: Path, version: str, exports: str) -> None:
    """A miniflare of our own, as far as the preload looks at it."""
    main = folder / "node_modules" / "miniflare" / "dist" / "src" / "index.js"
    main.parent.mkdir(parents=True)
    manifest = {"name": "miniflare", "version": version, "main": "dist/src/index.js"}
    (main.parents[2] / "package.json").write_text(json.dumps(manifest))
    main.write_text(f"module.exports = {{ {exports} }};")


def test_a_node_program_without_miniflare_runs_as_ever_and_its_user_is_warned(start_run: StartRun) -> None:
    running = start_run([node(), "-p", "'ran ' + process.argv.length"])
    assert running.ended() == 0
    assert running.lines[0] == "ran 1"
    assert "no miniflare was found in the command" in running.ours()[0]


def test_what_the_user_has_node_load_is_still_loaded(start_run: StartRun, tmp_path: Path) -> None:
    (tmp_path / "own one.cjs").write_text("console.log('loaded too');")
    running = start_run([node(), "-e", "0"], NODE_OPTIONS=f'--require "{tmp_path}/own one.cjs"')
    assert running.ended() == 0
    assert "loaded too" in running.lines


@pytest.mark.parametrize("load", ["require('miniflare')", "import('miniflare').then(() => {})"])
def test_a_miniflare_that_is_not_understood_ends_the_command_with_its_version_and_advice(
    start_run: StartRun, tmp_path: Path, load: str
) -> None:
    package(tmp_path, "9.1.0", CLASS)
    running = start_run(
        [node(), "-e", f"process.on('uncaughtException', () => {{}}); {load}; setInterval(() => 0, 1000)"]
    )
    assert running.ended() == 2
    (line,) = running.ours()
    assert "has miniflare 9.1.0, which is not supported: it has no KV plugin of a known kind" in line
    assert "3.20240329 to 5" in line


def test_a_miniflare_that_binds_kv_in_another_way_is_not_understood(start_run: StartRun, tmp_path: Path) -> None:
    package(tmp_path, "9.2.0", PLUGIN.replace("kvNamespace:", "keyValueStore:") + CLASS)
    code = "require('miniflare').KV_PLUGIN.getBindings({ kvNamespaces: { CACHE: 'a' } }); setInterval(() => 0, 1000)"
    running = start_run([node(), "-e", code])
    assert running.ended() == 2
    assert "it binds the KV namespace CACHE in a way that is not known here" in running.ours()[0]


def test_a_runtime_that_starts_without_a_known_miniflare_is_told_of_at_once(
    start_run: StartRun, tmp_path: Path
) -> None:
    workerd = tmp_path / "workerd"
    workerd.write_text("#!/bin/sh\nexit 0\n")
    workerd.chmod(0o755)
    start = f"import {{ spawn }} from 'node:child_process'; spawn({str(workerd)!r}, ['serve']);"
    (tmp_path / "bundled.mjs").write_text(f"{start} setInterval(() => 0, 1000);")
    running = start_run([node(), "bundled.mjs"])
    assert running.line("bundled.mjs started a Workers runtime with a miniflare that was not found")
    running.stop()
    assert len(running.ours()) == 1


def test_a_binding_leads_to_the_emulator_at_the_location_that_is_asked_for(start_run: StartRun, tmp_path: Path) -> None:
    package(tmp_path, "5.0.0", PLUGIN + CLASS)
    code = """
const { KV_PLUGIN, Miniflare } = require("miniflare");
const options = { kvNamespaces: { CACHE: "a b", TOKYO: { id: "t" } } };
(async () => {
  const bindings = await KV_PLUGIN.getBindings(options);
  const services = await KV_PLUGIN.getServices({ options });
  for (const each of bindings) console.log(each.name, "->", each.kvNamespace.name);
  for (const { name, external } of services) {
    if (!external) continue;
    const shown = (value) => value.replace(/^[0-9a-f-]{36}$/, "P");
    const headers = external.http.injectRequestHeaders.map(({ name, value }) => `${name}: ${shown(value)}`);
    console.log(name, "=", external.address.replace(/queue-emulator-[^/]*/, "X"), headers.join(", "));
  }
  new Miniflare(options);
})();
"""
    running = start_run([node(), "-e", code], "--at", "TOKYO=NRT", TMPDIR="/tmp")
    assert running.ended() == 0
    service, by = "queue-emulator:kv:", "X-Emulator-Process: P"
    expected = [
        f"CACHE -> {service}SJC:a b",
        f"TOKYO -> {service}NRT:t",
        f"{service}SJC:a b = unix:/tmp/X/kv X-Emulator-Location: SJC, X-Emulator-Namespace: a%20b, {by}",
        f"{service}NRT:t = unix:/tmp/X/kv X-Emulator-Location: NRT, X-Emulator-Namespace: t, {by}",
    ]
    assert [each for each in running.lines if each not in running.ours()] == expected
    (line,) = running.ours()
    assert "CACHE = a b, TOKYO = t at NRT; location SJC; page and controls at http://127.0.0.1:" in line
