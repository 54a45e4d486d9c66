"""A server that is no emulator, or means harm: each command ends in one line, with its code, and in little memory."""

import asyncio
import json
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from queue_emulator.core.errors import EmulatorError
from queue_emulator.kv.cloudflare_access import Access
from queue_emulator.kv.cloudflare_answers import UNEXPECTED, parse_page
from queue_emulator.kv.cloudflare_api import CloudflareAPI
from queue_emulator.kv.retry import Patience
from queue_emulator.remote_control import BrokenOffError, RemoteControl
from queue_emulator.transfer.cloudflare_endpoint import CloudflareEndpoint
from queue_emulator.transfer.endpoint import Source
from tests.cli.in_process import run_here
from tests.transfer.hostile_servers import OF_ANY_KIND, RAW, Answer, hostile_server, http, of_json

MEGABYTES_MAX = 400
API_TOKEN = "opens-the-api-4f1c9e"
OVERVIEW = {"places": ["SJC"], "journal": {"first": 1, "last": 0}}
STATUS: dict[str, Any] = {"kv": "emulated", "keys": 3, "clock": {"now_ms": 1_795_435_200_000}}
COST: dict[str, Any] = {"routes": {}, "operations": {}, "estimate": None, "over_s": 1.0}

NO_COUNTS: Sequence[Any] = (None, 1, [], {"a": "b", "reads": "x"})
NO_TIMES: Sequence[Any] = ("soon", [], {}, True)
NO_INSTANTS: Sequence[Any] = (None, [], 10**30, -1)
NO_CURSORS: Sequence[Any] = (1, [], {}, True)

Ended = Callable[..., str]


@pytest.fixture
def ended(folder: Path) -> Ended:
    """Runs a command to its end; the one line that it said, without the program's name."""

    def run(*arguments: str) -> str:
        done = run_here(*arguments, folder=folder)
        assert done.returncode == 2
        (line,) = done.stderr.splitlines()
        assert line.isprintable()
        assert len(line) < 600
        return line.removeprefix("queue-emulator: ")

    return run


def commands(url: str, folder: Path) -> Sequence[Sequence[str]]:
    (folder / "data.json").write_text('[{"key": "a", "value": "1"}]')
    return (
        ("export", url),
        ("import", url, "--to", "state:new.sqlite"),
        ("seed", "data.json", "--to", url),
        ("verify", "--from", url, "--before", "data.json"),
        ("cost", "--url", url),
        *((command, "--url", url) for command in ("keys", "journal", "clock", "faults", "reset")),
        ("journal", "--url", url, "--follow", "--json"),
    )


@pytest.mark.parametrize("name", RAW)
def test_whatever_a_server_answers_a_command_ends_in_one_line(name: str, folder: Path, ended: Ended) -> None:
    with hostile_server(lambda number, path: RAW[name]()) as url:
        for command in commands(url, folder):
            assert url in ended(*command)
    assert sorted(path.name for path in folder.iterdir()) == ["data.json"]


@pytest.mark.parametrize("said", ["no such token: {}", "x" * 290 + " {}", "Bearer%20{}", "<{}>"])
def test_a_server_that_repeats_the_token_has_it_in_no_line_of_ours(said: str) -> None:
    token = "one-that-opens-the-controls"

    def answer(number: int, path: str) -> Iterable[bytes]:
        return [http(json.dumps({"error": said.format(token)}).encode(), status="401 No")]

    with hostile_server(answer) as url, pytest.raises(EmulatorError, match="refused") as raised:
        RemoteControl(url, token=token).ask("GET", "/status", dict[str, object])
    assert token[:8] not in str(raised.value)


@pytest.mark.parametrize("field", ["kv", "keys", "clock", "now_ms"])
def test_a_status_of_other_types_is_no_emulators(field: str, folder: Path, ended: Ended) -> None:
    for value in OF_ANY_KIND:
        given: dict[str, Any] = (
            {**STATUS, "clock": {"now_ms": value}} if field == "now_ms" else {**STATUS, field: value}
        )
        if (field, type(value)) in (("keys", int), ("kv", str)) or (field == "now_ms" and value == 7):
            continue
        with hostile_server(lambda number, path, given=given: [of_json(given)]) as url:  # type: ignore[misc]
            assert ended("export", url) == f"{url} does not answer like a queue-emulator"


@pytest.mark.parametrize(
    "page",
    [
        *OF_ANY_KIND,
        {"entries": []},
        {"entries": {}, "cursor": None},
        {"entries": [], "cursor": 7},
        {"entries": [1], "cursor": None},
        {"entries": [{"key": "a"}], "cursor": None},
        {"entries": [{"key": 1, "value": "1"}], "cursor": None},
        {"entries": [{"key": "", "value": "1"}], "cursor": None},
        {"entries": [{"key": "..", "value": "1"}], "cursor": None},
        {"entries": [{"key": "a", "value": "?", "base64": True}], "cursor": None},
        {"entries": [{"key": "a", "value": "1", "expiration": "soon"}], "cursor": None},
        {"entries": [{"key": "a", "value": "1", "expiration": 10**30}], "cursor": None},
        {"entries": [{"key": "a", "value": "1", "metadata": "x" * 70_000}], "cursor": None},
        {"entries": [{"key": f"{number:03}", "value": "1"} for number in range(101)], "cursor": None},
    ],
)
def test_a_page_of_other_types_is_no_emulators(page: Any, ended: Ended) -> None:
    def answer(number: int, path: str) -> Iterable[bytes]:
        return [of_json(STATUS if "status" in path else page)]

    with hostile_server(answer) as url:
        assert ended("export", url) == f"{url} does not answer like a queue-emulator"


@pytest.mark.parametrize(
    "cost",
    [
        *OF_ANY_KIND,
        *({**COST, field: value} for field in ("routes", "operations") for value in NO_COUNTS),
        {**COST, "routes": {"a": {"reads": "many"}}},
        {**COST, "estimate": {"operationsPerDay": {}, "free": {}, "paid": {}}},
        {**COST, "estimate": []},
    ],
)
def test_a_cost_of_other_types_is_no_emulators(cost: Any, ended: Ended) -> None:
    with hostile_server(lambda number, path: [of_json(cost)]) as url:
        assert ended("cost", "--url", url) == f"{url} does not answer like a queue-emulator"


def pages_of(page: Callable[[int], dict[str, Any]]) -> Answer:
    """An emulator whose list never ends."""
    numbers = count()
    return lambda number, path: [of_json(STATUS if "status" in path else page(next(numbers)))]


@pytest.mark.parametrize(
    ("page", "why"),
    [
        (lambda number: {"entries": [{"key": "a", "value": "1"}], "cursor": "again"}, "not in key order"),
        (
            lambda number: {"entries": [{"key": key, "value": "1"} for key in "ba"], "cursor": None},
            "lists 'a' after 'b': not in key order",
        ),
        (lambda number: {"entries": [], "cursor": str(number)}, "more than 1,000 empty pages in a row"),
    ],
)
def test_a_list_that_does_not_go_on_is_given_up(
    page: Callable[[int], dict[str, Any]], why: str, folder: Path, ended: Ended
) -> None:
    with hostile_server(pages_of(page)) as url:
        assert why in ended("verify", "--from", url, "--before", commands(url, folder)[2][1])


EVENT: dict[str, Any] = {"position": 1, "begun_ms": 1, "location": "SJC", "operation": "get", "key": "a"}


@pytest.mark.parametrize(
    "event",
    [
        *OF_ANY_KIND,
        {},
        *({**EVENT, field: value} for field in ("position", "begun_ms", "key") for value in NO_INSTANTS),
        {**EVENT, "begun_ms": 10**18},
    ],
)
def test_an_event_of_other_types_is_no_emulators(event: Any, ended: Ended) -> None:
    with hostile_server(lambda number, path: [of_json(event)]) as url:
        assert ended("journal", "--url", url) == f"{url} does not answer like a queue-emulator"


KEYS: dict[str, Any] = {"keys": [{"key": "a", "live": True, "locations": {}}], "cursor": "again", "now_ms": 1}


@pytest.mark.parametrize(
    ("page", "why"),
    [
        (KEYS, "lists 'a' after 'a': not in key order"),
        ({**KEYS, "keys": []}, "more than 1,000 empty pages in a row"),
        ({**KEYS, "now_ms": 10**18}, "does not answer like a queue-emulator"),
    ],
)
def test_keys_that_do_not_go_on_are_given_up(page: Any, why: str, ended: Ended) -> None:
    with hostile_server(lambda number, path: [of_json(OVERVIEW if "over" in path else page)]) as url:
        assert why in ended("keys", "--url", url)


def test_a_journal_that_stands_still_is_given_up(ended: Ended) -> None:
    with hostile_server(lambda number, path: [of_json(EVENT)]) as url:
        assert ended("journal", "--url", url) == f"{url} does not answer like a queue-emulator"


def asked(remote: RemoteControl) -> object:
    return remote.ask("GET", "/status", dict)


def followed(remote: RemoteControl) -> object:
    return list(remote.follow("/journal/stream"))


def read_by_line(remote: RemoteControl) -> object:
    return list(remote.lines("/journal"))


@pytest.mark.parametrize("use", [asked, followed, read_by_line])
@pytest.mark.parametrize(
    ("begin", "part"),
    [
        (b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"),
        (b"HTTP/1.1 500 No\r\n\r\n", b" "),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    ],
    ids=["head", "refusal", "interim"],
)
def test_an_answer_that_takes_for_ever_is_broken_off(
    begin: bytes, part: bytes, use: Callable[[RemoteControl], object]
) -> None:
    more = iter(lambda: part, b"")

    def answer(number: int, path: str) -> Iterable[bytes]:
        yield begin
        for line in more:
            held.wait(0.02)
            yield line

    held = threading.Event()
    with hostile_server(answer) as url, pytest.raises(BrokenOffError) as caught:
        use(RemoteControl(url, whole_s=0.3))
    assert str(caught.value) == f"{url} has not sent a complete answer within 0.3 s"


@pytest.mark.parametrize("use", [asked, followed])
def test_an_emulator_that_sends_nothing_is_said_to_be_silent(use: Callable[[RemoteControl], object]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        with pytest.raises(BrokenOffError) as caught:
            use(RemoteControl(url, silence_s=0.05))
    assert str(caught.value) == f"{url} has sent nothing for 0.05 s"


@pytest.mark.parametrize("use", [asked, followed])
def test_an_emulator_that_closes_the_connection_is_said_to_have_closed_it(
    use: Callable[[RemoteControl], object],
) -> None:
    with hostile_server(lambda number, path: []) as url, pytest.raises(BrokenOffError) as caught:
        use(RemoteControl(url))
    assert str(caught.value).startswith(f"{url} closed the connection before its answer was complete: ")


async def _no_sleep(by_ms: int) -> None:
    pass


def cloudflare(url: str) -> CloudflareEndpoint:
    access = Access("0" * 32, "1" * 32, API_TOKEN, f"{url}/client/v4")
    return CloudflareEndpoint(access, CloudflareAPI(access, patience=Patience(deadline_ms=2_000), sleep=_no_sleep))


async def walk(endpoint: Source) -> None:
    try:
        async for _ in endpoint.pages():
            pass
    finally:
        await endpoint.close()


def refused(answer: Answer) -> str:
    """What a walk through a namespace of such an API says at its end."""
    with hostile_server(answer) as url, pytest.raises(EmulatorError) as caught:
        asyncio.run(walk(cloudflare(url)))
    assert str(caught.value).isprintable()
    return str(caught.value)


@pytest.mark.parametrize("name", RAW)
def test_whatever_an_api_answers_its_list_ends_in_one_line(name: str) -> None:
    assert refused(lambda number, path: RAW[name]()).startswith("127.0.0.1:")


def test_a_cookie_that_cannot_be_read_is_no_matter(recwarn: pytest.WarningsRecorder) -> None:
    numbers = f"max-age={'9' * 500}; version={'9' * 500}"
    cookie = f"Set-Cookie: c=v; expires=Thu, 01 Jan 99999999999999 00:00:00 GMT; {numbers}\r\n"
    assert "format of Cloudflare's API" in refused(lambda number, path: [http(b"{}", headers=cookie)])
    assert not recwarn.list


def envelope(result: Any, **more: Any) -> dict[str, Any]:
    return {"success": True, "errors": [], "messages": [], "result": result, **more}


@pytest.mark.parametrize(
    "page",
    [
        *OF_ANY_KIND,
        *(envelope(value) for value in OF_ANY_KIND if value not in ([],)),
        *(envelope([{"name": value}]) for value in OF_ANY_KIND if not isinstance(value, str)),
        *(envelope([{"name": "a", "expiration": value}]) for value in NO_TIMES),
        *(envelope([], result_info={"cursor": value}) for value in (*NO_CURSORS, "\ud800")),
        envelope([{"name": f"{number:04}"} for number in range(1001)]),
        envelope([{"name": "a", "metadata": "x" * 70_000}]),
        envelope([{"name": "x" * 513}]),
    ],
)
def test_a_list_of_other_types_is_not_the_apis(page: Any) -> None:
    assert "the answer is not in the format of Cloudflare's API" in refused(lambda number, path: [of_json(page)])


@pytest.mark.parametrize("value", [1e308, 10**400, -(2**53)])
def test_an_expiration_beyond_all_times_is_not_the_apis(value: float) -> None:
    with pytest.raises(UNEXPECTED):
        parse_page(json.dumps(envelope([{"name": "a", "expiration": value}])).encode())


@pytest.mark.parametrize(
    ("page", "why"),
    [
        (lambda number: envelope([{"name": "a"}], result_info={"cursor": "again"}), "not in key order"),
        (lambda number: envelope([], result_info={"cursor": str(number)}), "more than 1,000 empty pages in a row"),
    ],
)
def test_a_list_of_an_api_that_does_not_go_on_is_given_up(page: Callable[[int], dict[str, Any]], why: str) -> None:
    def answer(number: int, path: str) -> Iterable[bytes]:
        return [of_json(envelope({"values": {}}) if "bulk" in path else page(number))]

    assert why in refused(answer)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    ["a body without end", "a string without end", "a million lists beside each other", "what is packed and grows"],
)
@pytest.mark.parametrize("endpoint", ["emulator", "cloudflare"])
def test_no_answer_takes_much_memory(name: str, endpoint: str, folder: Path) -> None:
    with hostile_server(lambda number, path: RAW[name]()) as url:
        source = url if endpoint == "emulator" else f"cloudflare:{'1' * 32}"
        names = {"CLOUDFLARE_ACCOUNT_ID": "0" * 32, "CLOUDFLARE_API_TOKEN": "t", "CLOUDFLARE_API_BASE_URL": f"{url}/v4"}
        done = subprocess.run(
            [sys.executable, "-c", _MEASURED, source],
            cwd=folder,
            env=names,
            capture_output=True,
            text=True,
            check=False,
        )
    code, megabytes = json.loads(done.stdout.splitlines()[-1])
    assert (code, len(done.stderr.splitlines())) == (2, 1)
    assert megabytes < MEGABYTES_MAX


_MEASURED = """
import sys
from queue_emulator import cli
code = cli.main(["export", sys.argv[1]])
# Not by getrusage: its peak is that of the process, which was a copy of the test's before it ran this.
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM:"))
print([code, int(peak.split()[1]) // 1024])
"""
