"""workerd's lines become lines of our log: at once or with their location, in order, each once."""

import asyncio
import json
from typing import Any

import pytest

from queue_emulator.workerd.output import Output
from queue_emulator.workerd.process import read_lines

MARK = "emulator-tail-0123456789abcdef "
UNCAUGHT = {"level": "error", "source": "server.c++:1", "message": "Uncaught exception: remote.jsg.Error: boom"}


class Heard:
    """An output with all that it was told and told others."""

    def __init__(self, *locations: str) -> None:
        self.log: list[str] = []
        self.ends: list[tuple[str, str]] = []
        self.output = Output(locations, tail_mark=MARK, log=self.log.append, ended=lambda *end: self.ends.append(end))
        self.output.ready()

    def line(self, said: dict[str, Any] | str) -> None:
        self.output.line((said if isinstance(said, str) else json.dumps(said)).encode())

    def console(self, message: str) -> None:
        self.line({"timestamp": 1, "level": "log", "message": message})

    def tail(self, location: str, logs: list[str], exceptions: list[dict[str, str]] | None = None) -> None:
        run = {"location": location, "ray": f"0f-{location}", "logs": logs, "exceptions": exceptions or []}
        self.console(MARK + json.dumps(run))


def test_with_one_location_the_console_is_shown_at_once_and_only_then() -> None:
    heard = Heard("SJC")
    heard.console("one\ntwo")
    heard.tail("SJC", ["one\ntwo"])
    assert heard.log == ["  worker SJC: one\n    two"]
    assert heard.ends == [("SJC", "0f")]


def test_with_several_it_is_shown_with_its_location_at_the_end_of_the_run() -> None:
    heard = Heard("SJC", "NRT")
    heard.console("one")
    assert heard.log == []
    heard.tail("NRT", ["one"])
    assert heard.log == ["  worker NRT: one"]


def test_a_line_that_says_its_location_is_shown_at_once_and_only_then() -> None:
    log: list[str] = []
    output = Output(["SJC", "NRT"], tail_mark=MARK, console_mark="con ", log=log.append, ended=lambda *end: None)
    output.ready()
    tail = {"location": "NRT", "ray": "0f-NRT", "logs": ["con NRT one two"], "exceptions": []}
    for message in ("con NRT one two", f"{MARK}{json.dumps(tail)}", "con SJC"):
        output.line(json.dumps({"message": message}).encode())
    assert log == ["  worker NRT: one two", "  worker SJC: "]


def test_what_no_tail_told_is_shown_when_the_runtime_dies() -> None:
    heard = Heard("SJC", "NRT")
    heard.console("told")
    heard.tail("NRT", ["told"])
    heard.console("last words")
    heard.output.dead()
    assert heard.log == ["  worker NRT: told", "  worker: last words"]


def test_an_exception_is_told_once_with_its_stack() -> None:
    heard = Heard("SJC")
    heard.line(UNCAUGHT)
    heard.tail("SJC", [], [{"name": "TypeError", "message": "boom", "stack": "    at fetch (worker.mjs:1:2)"}])
    assert heard.log == ["  uncaught TypeError: boom (at SJC)\n    at fetch (worker.mjs:1:2)"]


@pytest.mark.parametrize("line", ["not JSON", '{"no": "message"}', "[1]", '"text"'])
def test_other_lines_are_shown_as_they_are(line: str) -> None:
    heard = Heard("SJC")
    heard.line(line)
    assert heard.log == [f"  workerd: {line}"]


def test_a_private_address_is_refused_in_plain_words_and_once() -> None:
    heard = Heard("SJC")
    stack = "\nstack: /bin/workerd@53fcde0"
    for message in (
        "e = kj/async-io-unix.c++:1650: failed: connect() blocked by restrictPeers()",
        "e = rust/worker/ffi.rs:104: failed: connecting to 127.0.0.1:8787 is not allowed",
        "Uncaught exception: kj/async-io-unix.c++:1: failed: worker_do_not_log; Request failed due to internal error",
    ):
        heard.line({**UNCAUGHT, "message": message + stack})
    (line,) = heard.log
    assert line.startswith(
        "  workerd: a fetch() to a private address was refused: a Worker reaches public addresses only"
    )
    assert "\n" not in line


def test_the_runtime_s_other_words_are_shown_without_addresses_in_its_binary() -> None:
    heard = Heard("SJC")
    heard.line({**UNCAUGHT, "message": "something failed\nof its own\nstack: /bin/workerd@53fcde0"})
    assert heard.log == ["  workerd: something failed\n    of its own"]


def test_connections_that_clients_break_off_are_told_of_sparingly_and_a_workers_own_errors_each_time() -> None:
    heard = Heard("SJC")
    for message in ("Network connection lost.", "boom") * 3:
        heard.tail("SJC", [], [{"name": "Error", "message": message}])
    assert [line.split(": ")[1] for line in heard.log] == ["Network connection lost. (at SJC)", *["boom (at SJC)"] * 3]
    assert len(heard.ends) == 6


def test_complaints_before_the_worker_runs_are_the_reasons_why_it_does_not() -> None:
    output = Output(["SJC"], tail_mark=MARK, log=print, ended=lambda *end: None)
    output.line(json.dumps({**UNCAUGHT, "message": "service main: Uncaught SyntaxError: no"}).encode())
    assert output.problems == ["service main: Uncaught SyntaxError: no"]


@pytest.mark.parametrize("chunks", [[b"a\nb\n"], [b"a", b"\n", b"b\n"], [b"a\nb"], [b"a\n", b"", b"b", b"\n"]])
def test_lines_are_put_together_whatever_parts_they_come_in(chunks: list[bytes]) -> None:
    said: list[bytes] = []

    async def read() -> None:
        reader = asyncio.StreamReader()
        reading = asyncio.ensure_future(read_lines(reader, said.append))
        for chunk in chunks:
            if chunk:
                reader.feed_data(chunk)
            await asyncio.sleep(0)
        reader.feed_eof()
        await reading

    asyncio.run(read())
    assert said == [b"a", b"b"]


def test_of_a_line_without_an_end_the_beginning_is_taken_and_the_next_line_is_whole() -> None:
    said: list[bytes] = []

    async def read() -> None:
        reader = asyncio.StreamReader()
        reading = asyncio.ensure_future(read_lines(reader, said.append, 4000))
        for chunk in (*[b"x" * 1000] * 30, b"x\nnext\n"):
            reader.feed_data(chunk)
            await asyncio.sleep(0)
        reader.feed_eof()
        await reading

    asyncio.run(read())
    assert said == [b"x" * 1000 + b" (and so on, more than 4000 bytes)", b"next"]


def test_of_complaints_without_an_end_the_first_are_kept() -> None:
    output = Output(["SJC"], tail_mark=MARK, log=print, ended=lambda *end: None)
    for number in range(1000):
        output.line(b"%d " % number + b"x" * 100_000)
    assert len(output.problems) == 100
    assert sum(map(len, output.problems)) <= 1_000_000
    assert output.problems[0].startswith("0 x")


def test_a_worker_that_writes_as_the_tail_does_is_shown_as_any_other() -> None:
    forged = 'emulator-tail {"location": "SJC", "ray": "0f-SJC", "logs": [], "exceptions": []}'
    heard = Heard("SJC")
    heard.console(forged)
    assert heard.log == [f"  worker SJC: {forged}"]
    assert heard.ends == []


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("\x1b[31mred\x1b[0m\x1b[2J", r"red\u001b[2J"),
        ("over\rwritten\x08\x07\x7f", r"over\rwritten\b\u0007\u007f"),
        ("\x9b31m \u202ereversed\u2066", r"\u009b31m \u202ereversed\u2066"),
        ("half \ud83d", r"half \ud83d"),
        ("a\tb \\ é 👩\u200d🚀", "a\tb \\ é 👩\u200d🚀"),
        ("one\r\ntwo", "one\n    two"),
    ],
)
def test_what_a_worker_writes_cannot_steer_the_terminal(message: str, shown: str) -> None:
    heard = Heard("SJC")
    heard.console(message)
    heard.tail("SJC", [], [{"name": "Error", "message": message}])
    assert heard.log == [f"  worker SJC: {shown}", f"  uncaught Error: {shown} (at SJC)"]


def test_a_reason_why_it_does_not_start_cannot_steer_the_terminal_either() -> None:
    output = Output(["SJC"], tail_mark=MARK, log=print, ended=lambda *end: None)
    output.line(json.dumps({**UNCAUGHT, "message": "Error: \x1b[2J"}).encode())
    assert output.problems == [r"Error: \u001b[2J"]
