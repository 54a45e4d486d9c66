"""Keys where no key belongs: a line break in one, or one typed as an argument. No output has a byte of it."""

from pathlib import Path

import pytest

from queue_contracts.names import ADMIN_KEY, KV_TOKEN, QUEUE_KEY, SECRETS
from queue_contracts.targets.addresses import TargetError, check_keys
from queue_contracts.untrusted.environment import printable
from tests.contracts.command import environment, run

KEY = "pasted-secret-7f3a"


@pytest.mark.parametrize("name", SECRETS)
@pytest.mark.parametrize(
    "between", ["\n", "\r", "\t", " ", "\x1b[31m", "\x00", "\x7f", "é", "\u2028", "\u202e", "\udc80"]
)
def test_a_key_that_no_header_holds_is_refused_by_its_name(name: str, between: str) -> None:
    with pytest.raises(TargetError, match=f"^{name} must have only visible ASCII characters") as caught:
        check_keys({name: f"pasted{between}secret"})
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("command", [("mutants", "--only", "nothing"), ("diff", "emulator", "emulator")])
def test_every_command_asks_that_first(command: tuple[str, ...], tmp_path: Path) -> None:
    ended = run(*command, env=environment(CONTRACT_QUEUE_KEY_B="pasted\nsecret"), folder=tmp_path)
    assert (ended.returncode, ended.stdout) == (
        2,
        f"queue-contracts {command[0]}: CONTRACT_QUEUE_KEY_B must have only visible ASCII characters: no space, no "
        "line break\n",
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((f"{KEY}\n\x1b[31m",), "argument target: invalid choice: '$CONTRACT_KV_TOKEN\\n\\x1b[31m'"),
        (("mutants", f"--{KEY}"), "unrecognized arguments: --$CONTRACT_KV_TOKEN; see"),
        (("emulator", "--only", f"{KEY}(\x1b[31m"), "'-k': $CONTRACT_KV_TOKEN(\\x1b[31m"),
    ],
)
def test_a_key_that_is_typed_as_an_argument_is_not_repeated(
    arguments: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    ended = run(*arguments, env=environment(CONTRACT_KV_TOKEN=KEY), folder=tmp_path)
    assert ended.returncode == 2
    assert said in ended.stdout
    assert KEY not in ended.stdout
    assert "\x1b" not in ended.stdout


def test_what_is_refused_is_said_in_a_line_of_ours(tmp_path: Path) -> None:
    ended = run("--url", "http://127.0.0.1:9", env=environment(CONTRACT_QUEUE_KEY=""), folder=tmp_path)
    said = "queue-contracts: the API key of the queue is not set: set CONTRACT_QUEUE_KEY (and CONTRACT_ADMIN_KEY)\n"
    assert (ended.returncode, ended.stdout) == (2, said)


def test_a_traceback_has_neither_keys_nor_what_a_terminal_obeys() -> None:
    shown = printable(
        f"ValueError: \x1b]8;;http://x\x07{KEY}\u202e\r\nmore", {QUEUE_KEY: KEY, ADMIN_KEY: "", KV_TOKEN: ""}
    )
    assert shown == f"ValueError: \\x1b]8;;http://x\\x07${QUEUE_KEY}\\u202e\\r\n    more"
