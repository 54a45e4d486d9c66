"""Which files belong to a Worker, under which names, as what."""

from pathlib import Path

import pytest

from emulator.core.errors import SettingsError
from emulator.workerd.modules import find_modules


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


def test_strings_that_name_no_file_and_files_of_other_kinds_are_left_alone(tmp_path: Path) -> None:
    written(
        tmp_path,
        {"main.js": "'./none.js' './data.csv' './a' `./b.js?x` './' '../' \"./${x}.js\"", "data.csv": "", "b.js": ""},
    )
    assert list(found(tmp_path / "main.js")) == ["main.js"]


def test_a_main_module_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot read"):
        find_modules(tmp_path / "none.js")
