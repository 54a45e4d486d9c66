"""Whether JavaScript is a module: whether its code has a statement `import` or `export`, on a line of its own or not.

Text in comments, strings, templates and regular expressions is no code. Only as much of the language is read as that
needs: https://tc39.es/ecma262/#sec-ecmascript-language-lexical-grammar
"""

import re

# Not `import(…)`, `import.meta`, nor members of these names.
_STATEMENT = rb"""(?:^|(?<=[;}])|(?<=\*/))[ \t]*(?:
    export\s*(?:[{*]|(?:default|const|let|var|function|async|class)\b)
    |import(?:\s*["'{*]|\s+[\w$\\\x80-\xff])
)"""
_ANYWHERE = re.compile(_STATEMENT, re.VERBOSE | re.MULTILINE)
_TOKEN = re.compile(
    rb"""(?P<skipped>//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')
    |(?P<template>`)|(?P<open>\{)|(?P<close>\})
    |(?P<statement>"""
    + _STATEMENT
    + rb""")
    |(?P<regexp>(?:(?<=[(,=:\[!&|?{};+\-*%~^<>\n])|(?<=\breturn))[ \t]*
        /(?![*/])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\[\n])+/)""",
    re.VERBOSE | re.DOTALL | re.MULTILINE,
)
_IN_TEMPLATE = re.compile(rb"(?:\\.|\$(?!\{)|[^`\\$])*(?P<end>`|\$\{)", re.DOTALL)


def is_module(code: bytes) -> bool:
    """Whether it has such a statement."""
    braces: list[int] = []  # how many are open in each `${…}` of a template, the innermost last
    at = 0
    while (token := _TOKEN.search(code, at)) is not None:
        at, kind = token.end(), token.lastgroup
        if kind == "statement":
            return True
        if kind == "open" and braces:
            braces[-1] += 1
        elif kind == "close" and braces and braces[-1] > 0:
            braces[-1] -= 1
        elif kind == "template" or (kind == "close" and braces):
            if kind == "close":
                braces.pop()
            text = _IN_TEMPLATE.match(code, at)
            if text is None:  # a regular expression with a backtick was taken for its beginning
                return _ANYWHERE.search(code) is not None
            at = text.end()
            if text["end"] == b"${":
                braces.append(0)
    return False
