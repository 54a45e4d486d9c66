"""Finds what in a module shows text to people without a function that makes text of somebody else's harmless."""

import ast
import re
from collections.abc import Iterator

_WRITERS = {"print", "input", "breakpoint"}
_STREAMS = {"sys.stdout", "sys.stderr", "sys.__stdout__", "sys.__stderr__"}
_ASKED = {"isatty", "fileno", "flush", "reconfigure", "encoding", "buffer"}  # `buffer` is for data, which is no text
_OF_TERMINAL = {"write_line", "write_sep", "write", "section"}
_ENDS = {"UsageError", "exit"}
_OF_BARS = {"set_description", "set_description_str", "set_postfix", "set_postfix_str"}
_OF_LOGGING = {"Logger", "NullHandler"}
_DEVICES = ("/dev/tty", "/dev/std", "/dev/fd", "CON")
_CODES = re.compile(r"Code\.\w+|(cli\.)?(main|run)\(.*\)|\d+")


def other_ways(source: str, harmless: frozenset[str], *, writers: bool = False) -> Iterator[str]:
    """The expressions that show a text which none of the functions `harmless` has made.

    With `writers` a module may call print; else no other way than those functions is allowed.
    """
    tree = ast.parse(source)
    above = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    for node in ast.walk(tree):
        if any(not _made(each, harmless) for each in _shown(node, above, writers=writers)):
            yield f"line {node.lineno}: {ast.unparse(node)[:80]}"  # type: ignore[attr-defined]


def _shown(node: ast.AST, above: dict[ast.AST, ast.AST], *, writers: bool) -> list[ast.expr]:
    """What a node shows to people; a node that takes hold of a way to the terminal counts as shown itself."""
    if isinstance(node, ast.ImportFrom):
        taken = node.module == "sys" and any(f"sys.{each.name}" in _STREAMS for each in node.names)
        return [ast.Name("stream")] if taken else []
    if isinstance(node, ast.Name) and node.id in _WRITERS:
        return [] if writers and _is_called(node, above) else [node]
    if isinstance(node, ast.Attribute) and ast.unparse(node) in _STREAMS:
        return [node] if _is_written(node, above) else []
    return _shown_by_call(node, writers=writers) if isinstance(node, ast.Call) else []


def _shown_by_call(call: ast.Call, *, writers: bool) -> list[ast.expr]:
    called = ast.unparse(call.func)
    of, _, name = called.rpartition(".")
    if called == "print":
        return [*call.args, *_named(call, "end", "sep")] if writers else []
    if called in ("SystemExit", "sys.exit"):
        return [each for each in call.args if not _CODES.fullmatch(ast.unparse(each))]
    if called in ("os.write", "os.fdopen", "open"):
        return [call.func for each in call.args[:1] if _is_terminal(each)]
    if called == "warnings.warn" or called.startswith("tqdm"):
        return [*call.args[:1], *_named(call, "desc", "unit", "postfix")]
    if of == "traceback" and name.startswith("print"):
        return [call.func]
    if of == "logging":
        return [] if name in _OF_LOGGING else [call.func]
    of_terminal = name in _OF_TERMINAL and "terminal" in of
    if of_terminal or name in _OF_BARS or (name in _ENDS and re.search(r"pytest|^self$|parser", of)):
        return [*call.args, *_named(call, "message", "reason")]
    return []


def _named(call: ast.Call, *names: str) -> list[ast.expr]:
    return [each.value for each in call.keywords if each.arg in names]


def _is_called(node: ast.AST, above: dict[ast.AST, ast.AST]) -> bool:
    parent = above[node]
    return isinstance(parent, ast.Call) and parent.func is node


def _is_written(stream: ast.AST, above: dict[ast.AST, ast.AST]) -> bool:
    """Whether the stream itself is taken, not only asked about itself, or named to print or tqdm."""
    parent = above[stream]
    if isinstance(parent, ast.Attribute):
        return parent.attr not in _ASKED
    if isinstance(parent, ast.keyword):
        call = above[parent]
        return not (parent.arg == "file" and isinstance(call, ast.Call) and _writes_text(ast.unparse(call.func)))
    about = isinstance(parent, ast.Call) and ast.unparse(parent.func) == "isinstance"
    return not (about or isinstance(parent, (ast.Compare, ast.BoolOp)))


def _writes_text(called: str) -> bool:
    return called == "print" or called.startswith("tqdm")


def _is_terminal(opened: ast.expr) -> bool:
    if isinstance(opened, ast.Constant):
        return isinstance(opened.value, int) or str(opened.value).startswith(_DEVICES)
    return re.search(r"std(out|err)|fileno", ast.unparse(opened)) is not None


def _made(shown: ast.expr, harmless: frozenset[str]) -> bool:
    """Whether a text is made by one of these functions, or stands in the source."""
    if isinstance(shown, ast.Starred):
        return _made(shown.value, harmless)
    if isinstance(shown, ast.Call):
        called = ast.unparse(shown.func)
        return called in harmless or (called == "map" and ast.unparse(shown.args[0]) in harmless)
    if isinstance(shown, (ast.GeneratorExp, ast.ListComp)):
        return _made(shown.elt, harmless)
    if isinstance(shown, (ast.BoolOp, ast.Tuple, ast.List)):
        return all(_made(each, harmless) for each in (shown.values if isinstance(shown, ast.BoolOp) else shown.elts))
    if isinstance(shown, ast.IfExp):
        return _made(shown.body, harmless) and _made(shown.orelse, harmless)
    constant = isinstance(shown, ast.Attribute) and ast.unparse(shown).startswith("Code.")
    named = isinstance(shown, ast.Name) and shown.id.isupper()
    return constant or named or isinstance(shown, ast.Constant)
