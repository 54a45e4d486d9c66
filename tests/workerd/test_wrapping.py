"""What is put before a script of the older format leaves it as strict as it is."""

from pathlib import Path

import pytest

from queue_emulator.workerd.modules import SERVICE_WORKER, Module
from queue_emulator.workerd.wrapping import wrapped

MANY = "/* a comment */ // and another\n" * 500


@pytest.mark.parametrize(
    ("script", "strict"),
    [
        ("'use strict'; f()", True),
        ('\n/***/ // x\n /* a * / **/\t"use strict"', True),
        ("f(); 'use strict'", False),
        ("/* 'use strict' */ f()", False),
        ("/* 'use strict'", False),
        (f"{MANY}'use strict'", True),
        (f"{MANY}f()", False),
    ],
)
def test_a_script_stays_as_strict_as_it_is_however_many_comments_it_begins_with(
    script: str, strict: bool, tmp_path: Path
) -> None:
    path = tmp_path / "worker.js"
    path.write_text(script)
    around = wrapped([Module("worker.js", SERVICE_WORKER, path)], tmp_path, "sign")
    assert around is not None
    text = around.modules[0].path.read_text()
    assert text.startswith('"use strict"; ') == strict
    assert text.endswith(script)
