"""The tree of errors: drawn as it is, and each fit to be shown."""

import re

import pytest

from queue_emulator.core import errors
from queue_emulator.core.errors import EmulatorError, JavaScriptError, KVError, KVSyntaxError, KVTypeError


def test_the_tree_is_drawn_as_it_is() -> None:
    drawn = re.findall(r"^([│ ]*)[├└]── (\w+)", errors.__doc__ or "", re.MULTILINE)
    branch, tree = ["EmulatorError"], {}
    for indent, name in drawn:
        depth = len(indent) // 4 + 1
        branch[depth:] = [name]
        tree[name] = branch[depth - 1]
    defined = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, EmulatorError)]
    assert tree == {
        each.__name__: each.__base__.__name__ for each in defined if each is not EmulatorError and each.__base__
    }


@pytest.mark.parametrize(
    ("error", "name"), [(JavaScriptError, "Error"), (KVTypeError, "TypeError"), (KVSyntaxError, "SyntaxError")]
)
def test_an_error_knows_its_javascript_name(error: type[JavaScriptError], name: str) -> None:
    assert (error.name, error.definite) == (name, True)


def test_a_refusal_of_the_service_is_worded_as_the_runtime_words_it() -> None:
    refused = KVError("PUT", 429, "Too Many Requests")
    assert str(refused) == "KV PUT failed: 429 Too Many Requests"
    assert (refused.name, refused.operation, refused.status, refused.reason) == (
        "Error",
        "PUT",
        429,
        "Too Many Requests",
    )
    assert refused.definite


def test_a_failure_may_leave_open_whether_it_happened() -> None:
    assert not KVError("PUT", 500, "Internal Server Error", definite=False).definite
