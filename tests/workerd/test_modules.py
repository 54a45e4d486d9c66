"""Which files belong to a Worker, under which names, as what."""

from pathlib import Path

import pytest

from queue_emulator.core.errors import SettingsError
from queue_emulator.workerd.module_errors import advice, explained
from queue_emulator.workerd.modules import find_modules, require_handler
from queue_emulator.workerd.stopped import WorkerNotStarted


def written(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def found(main: Path) -> dict[str, str]:
    return {module.name: module.kind for module in find_modules(main)}


def test_modules_are_followed_from_the_main_one_which_comes_first(tmp_path: Path) -> None:
    written(
        tmp_path,
        {
            "worker.mjs": "import './a.js'; export * from \"./lib/b.mjs\"; const c = await import('./c.json');",
            "a.js": "import text from './lib/d.txt'",
            "lib/b.mjs": "import '../a.js'; import './b.mjs'; import wasm from './e.wasm?module';",
            "c.json": "{}",
            "lib/d.txt": "'./not-followed.mjs'",
            "lib/e.wasm": "",
            "lib/not-followed.mjs": "",
            "unrelated.mjs": "",
        },
    )
    names = found(tmp_path / "worker.mjs")
    assert next(iter(names)) == "worker.mjs"
    assert names == {
        "worker.mjs": "esModule",
        "a.js": "esModule",
        "lib/b.mjs": "esModule",
        "c.json": "json",
        "lib/d.txt": "text",
        "lib/e.wasm?module": "wasm",
    }


def test_names_start_at_the_folder_that_holds_all_modules(tmp_path: Path) -> None:
    written(tmp_path, {"src/deep/main.js": "import '../../shared/x.js'", "shared/x.js": ""})
    assert list(found(tmp_path / "src" / "deep" / "main.js")) == ["src/deep/main.js", "shared/x.js"]


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("const t = `\nimport x from 'y'\nexport default 5\n`;", "serviceWorkerScript"),
        ("/*\nimport x from 'y'\n*/ // a\nconst s = 'a\\\nexport b';", "serviceWorkerScript"),
        ("const t = `${`\nexport a` + {a: `${1}`}.a}\nimport b`;", "serviceWorkerScript"),
        ("const r = /[`/]\\`/.test(x), d = a / b / c;\nconst t = `\nexport c`;", "serviceWorkerScript"),
        ("const t = `\nexport a`;\nexport default {};", "esModule"),
        ("const quote = /`/;\nimport a from './a.js';", "esModule"),
        ("const f = () => { return `${{a: 1}.a}`; };\nexport { f as default };", "esModule"),
        ("  import './a.js';", "esModule"),
        ("var a={fetch(){return`a`}};export{a as default};", "esModule"),
        ("import{b}from'./a.js';var a={};export default a;", "esModule"),
        ("var a=1;import b from'./a.js';import'./a.js'", "esModule"),
        ("function f(){}export*from'./a.js'", "esModule"),
        ("function f(s) { return /`/.test(s); }\nexport default {};", "esModule"),
        ("if (x) /`/.test(s);\nexport default {};", "esModule"),
        ("function f(s){if(x)/`/.test(s)}export{f as default};", "esModule"),
        ("/* made by a tool */ export default {};", "esModule"),
        ("const a = {\n  export: 1,\n  import: 2,\n};", "serviceWorkerScript"),
        ("import('./a.js');\nimport.meta;", "serviceWorkerScript"),
        ("const a = { export };function f() { a.b;export_a(); }", "serviceWorkerScript"),
        ("const t = `\nexport default 5\n${`\nexport {}`}\nimport a from 'a'`;", "serviceWorkerScript"),
        ("const t = `; export default 5`, s = '; export { a }';", "serviceWorkerScript"),
    ],
)
def test_a_statement_makes_a_module_and_a_text_like_one_makes_none(tmp_path: Path, code: str, kind: str) -> None:
    written(tmp_path, {"main.js": f"{code}\naddEventListener('fetch', () => {{}});", "a.js": ""})
    assert found(tmp_path / "main.js")["main.js"] == kind


def test_strings_that_name_no_file_and_files_of_other_kinds_are_left_alone(tmp_path: Path) -> None:
    written(
        tmp_path,
        {"main.js": "'./none.js' './data.csv' './a' `./b.js?x` './' '../' \"./${x}.js\"", "data.csv": "", "b.js": ""},
    )
    assert list(found(tmp_path / "main.js")) == ["main.js"]


def test_a_main_module_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot read"):
        find_modules(tmp_path / "none.js")


@pytest.mark.parametrize("main", ["", "export const a = 1;", "export * from './lib.mjs';"])
def test_a_worker_without_default_export_and_listener_is_refused(tmp_path: Path, main: str) -> None:
    written(tmp_path, {"worker.mjs": main, "lib.mjs": "export default {};"})
    with pytest.raises(WorkerNotStarted, match=r"worker\.mjs has no default export"):
        require_handler(find_modules(tmp_path / "worker.mjs"))


@pytest.mark.parametrize(
    "main", ["export default {};", "const a = {}; export { a as default };", "import './listens.js';"]
)
def test_whatever_may_answer_requests_is_taken(tmp_path: Path, main: str) -> None:
    written(tmp_path, {"worker.mjs": main, "listens.js": "addEventListener('fetch', () => {});"})
    require_handler(find_modules(tmp_path / "worker.mjs"))


WORDINGS = {
    "of the summer of 2026": 'Uncaught Error: No such module "{old}".\n  imported from "lib/main.mjs"',
    "of November 2026": "Uncaught Error: Module not found: {new}",
}


@pytest.mark.parametrize("wording", WORDINGS.values(), ids=WORDINGS)
@pytest.mark.parametrize(
    ("imported", "old", "new", "wanted"),
    [
        ("./gone.mjs", "lib/gone.mjs", "file:///bundle/lib/gone.mjs", "there is no file {0}/lib/gone.mjs"),
        ("../../gone.mjs", "../gone.mjs", "file:///gone.mjs", "there is no file {1}/gone.mjs"),
        (
            "./other",
            "lib/other",
            "file:///bundle/lib/other",
            "there is no file {0}/lib/other, and file endings are not added: use queue-emulator run",
        ),
        (
            "./types.ts",
            "lib/types.ts",
            "file:///bundle/lib/types.ts",
            "{0}/lib/types.ts cannot be imported; files that can: .mjs .js",
        ),
        (
            "./other.mjs?x=1",
            "lib/other.mjs?x=1",
            "file:///bundle/lib/other.mjs?x=1",
            "./other.mjs?x=1 is not the plain form of the path {0}/lib/other.mjs",
        ),
        (
            "hono",
            "lib/hono",
            "file:///bundle/lib/hono",
            "hono is not a relative path; packages are not supported: use queue-emulator run",
        ),
        (
            "cloudflare:email",
            "cloudflare-internal:email",
            "cloudflare:email",
            "cloudflare:email is a module that wrangler adds to the runtime. With it: queue-emulator",
        ),
        ("node:fs", "node:fs", "node:fs", "Node.js modules need --compatibility-flag nodejs_compat"),
    ],
)
def test_a_module_that_is_missing_is_told_as_it_is_written(
    tmp_path: Path, wording: str, imported: str, old: str, new: str, wanted: str
) -> None:
    written(
        tmp_path,
        {
            "worker.mjs": "import './lib/main.mjs';",
            "lib/main.mjs": f"import '{imported}';",
            "lib/other.mjs": "",
            "lib/types.ts": "",
        },
    )
    advised = advice(wording.format(old=old, new=new), find_modules(tmp_path / "worker.mjs"))
    assert advised is not None
    assert advised.startswith(wanted.format(tmp_path, tmp_path.parent))


@pytest.mark.parametrize(
    "why",
    [
        'Uncaught Error: No such module "lib/gone.cjs".\n  at lib/main.cjs:1:1',
        "Uncaught Error: Module not found: ./gone.cjs\n  at file:///bundle/lib/main.cjs:1:1",
    ],
)
def test_one_that_is_required_is_told_as_well(tmp_path: Path, why: str) -> None:
    written(tmp_path, {"worker.mjs": "import './lib/main.cjs';", "lib/main.cjs": "require('./gone.cjs');"})
    assert advice(why, find_modules(tmp_path / "worker.mjs")) == f"there is no file {tmp_path}/lib/gone.cjs"


def test_one_that_no_module_names_in_its_text_is_told_as_the_runtime_tells_it(tmp_path: Path) -> None:
    written(tmp_path, {"worker.mjs": "await import('ho' + 'no');"})
    told = advice("Uncaught Error: Module not found: file:///bundle/hono", find_modules(tmp_path / "worker.mjs"))
    assert told is not None
    assert told.startswith("hono is not a relative path; packages are not supported")


def test_the_ending_mjs_makes_no_module_of_a_script_that_listens(tmp_path: Path) -> None:
    """As wrangler 4.164 builds it: it looks at the exports alone."""
    written(tmp_path, {"worker.mjs": "addEventListener('fetch', () => {});"})
    assert found(tmp_path / "worker.mjs") == {"worker.mjs": "serviceWorkerScript"}


def test_a_worker_that_listens_and_exports_is_told_to_be_bundled(tmp_path: Path) -> None:
    written(tmp_path, {"worker.mjs": "export const a = 1; addEventListener('fetch', () => {});"})
    why = "Uncaught TypeError: Incorrect type for map entry 'a': the provided value is not of type 'function'."
    told = advice(why, find_modules(tmp_path / "worker.mjs"))
    assert told is not None
    assert told.startswith("it listens and exports: wrangler makes one script of that")


def test_what_follows_from_a_worker_that_does_not_start_is_left_out(tmp_path: Path) -> None:
    written(tmp_path, {"worker.mjs": "import 'hono';"})
    why = (
        "the Worker does not start: Uncaught Error: Module not found: file:///bundle/hono\n"
        'Socket "SJC.clock" refers to service "worker-SJC" with a named entrypoint "queueEmulatorClock", but '
        '"worker-SJC" has no such named entrypoint.'
    )
    first, second = str(explained(WorkerNotStarted(why), find_modules(tmp_path / "worker.mjs"))).splitlines()
    assert first.endswith("file:///bundle/hono")
    assert second.startswith("hono is not a relative path")


def test_no_advice_is_given_on_what_is_not_about_a_module(tmp_path: Path) -> None:
    written(tmp_path, {"worker.mjs": ""})
    assert advice("Uncaught SyntaxError: Unexpected token", find_modules(tmp_path / "worker.mjs")) is None
