"""Nothing reaches a terminal but through `tell`, `ask` and `say`, which make text of somebody else's harmless."""

import ast
from collections.abc import Iterator
from pathlib import Path

import queue_emulator

PACKAGE = Path(queue_emulator.__file__).parent
WAYS = {"terminal.py", "transfer/output.py"}
_WRITERS = {"print", "input"}
_STREAMS = {"sys.stdout", "sys.stderr", "sys.__stdout__", "sys.__stderr__"}


def other_ways(source: str) -> Iterator[str]:
    """The expressions in a module that write to a terminal by themselves."""
    nodes = list(ast.walk(ast.parse(source)))
    of_tqdm = [node for node in nodes if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("tqdm")]
    streams = {ast.unparse(each.value) for node in of_tqdm for each in node.keywords if each.arg == "file"}
    for node in nodes:
        if isinstance(node, ast.Name) and node.id in _WRITERS:
            yield f"line {node.lineno}: {node.id}"
        elif isinstance(node, ast.Attribute) and ast.unparse(node) in _STREAMS - streams and _written(source, node):
            yield f"line {node.lineno}: {ast.unparse(node)}"
    for node in of_tqdm:
        shown = [*node.args[:1], *(each.value for each in node.keywords if each.arg in ("desc", "unit"))]
        yield from (f"line {node.lineno}: {ast.unparse(each)}" for each in shown if not _harmless(each))


def _written(source: str, node: ast.Attribute) -> bool:
    """Whether the stream itself is taken, not only asked about itself or told how to encode."""
    stream = ast.unparse(node)
    return not any(each in source for each in (f"{stream}.reconfigure", f"isinstance({stream},"))


def _harmless(shown: ast.expr) -> bool:
    made = isinstance(shown, ast.Call) and ast.unparse(shown.func) == "one_line"
    return made or isinstance(shown, ast.Constant)


def test_no_module_writes_to_the_terminal_by_itself() -> None:
    found = {
        str(path.relative_to(PACKAGE)): list(other_ways(path.read_text("utf-8")))
        for path in sorted(PACKAGE.rglob("*.py"))
        if str(path.relative_to(PACKAGE)) not in WAYS
    }
    assert {path: ways for path, ways in found.items() if ways} == {}


def test_another_way_is_found() -> None:
    sources = (
        "print(title)",
        "import sys\nsys.stderr.write(title)",
        "tqdm.write(title, file=sys.stderr)",
        "tqdm(desc=f'reading {title}', unit=' keys')",
        "show = print",
        "input(question)",
    )
    assert [bool(list(other_ways(source))) for source in sources] == [True] * len(sources)
    harmless = ("tell(title)", "tqdm(desc=one_line(title), unit=' keys')", "tqdm.write('done')")
    assert [list(other_ways(source)) for source in harmless] == [[]] * len(harmless)
