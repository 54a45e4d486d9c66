"""No run of bytes of a key is in any report, however the target echoes it; looked for by decoders of their own."""

import base64
import binascii
import html
import json
import re
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, unquote
from xml.sax.saxutils import escape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from queue_contracts.described.answers import Answer
from queue_contracts.profiles import Profile
from queue_contracts.report import har, page, summary
from queue_contracts.report.outcomes import Outcome, seen_of
from queue_contracts.report.verdict import Verdict
from queue_contracts.sending.recorder import Exchange, Recorder, read_exchanges
from queue_contracts.sending.rules import Asked
from queue_contracts.sending.run import Run
from queue_contracts.targets.target import Target
from tests.contracts.command import environment, run
from tests.contracts.hostile import Hostile, answer, hostile
from tests.contracts.test_hostile_targets import EMPTY_QUEUE, STATUS
from tests.contracts.test_keys_in_texts import BASE64, ENCODINGS, LAYERS, through

RUN_LENGTH = 8
QUEUE_KEY, ADMIN_KEY = "Q\"u\\e&u<e/7c1e09+k=e'y%41Zz", 'A&quot;d\\u0041m"in<55d2b8>;%'
KEY = st.text(
    st.sampled_from("\"\\&<>'/%+=#;:!?~x0aZuq7") | st.characters(min_codepoint=33, max_codepoint=126),
    min_size=8,
    max_size=40,
).filter(lambda key: not re.search("[A-Za-z/:;,._ <>=-]{7}", key))  # `Content-Type`, `</style>` stand in every report


def readings(text: str, rounds: int = 3) -> Iterator[str]:
    """The text, and what becomes of it by every decoder, so many times over."""
    seen = {text}
    latest = seen
    for _ in range(rounds):
        latest = {each for one in latest for each in decoded(one)} - seen
        seen |= latest
    yield from seen


def decoded(text: str) -> Iterator[str]:
    yield html.unescape(text)
    yield unquote(text)
    yield re.sub(r"\\u([0-9a-fA-F]{4})", lambda match: chr(int(match[1], 16)), text)
    yield re.sub(r"\\u\{0{0,8}([0-9a-fA-F]{1,5})\}", lambda match: chr(int(match[1], 16)), text)
    yield re.sub(r"\\(.)", r"\1", text)
    for token in re.findall(r"[A-Za-z0-9+/_-]{10,}", text):
        for skipped in range(4):
            part = token[skipped:].replace("-", "+").replace("_", "/")
            try:
                yield base64.b64decode(part[: len(part) // 4 * 4]).decode("latin-1")
            except binascii.Error:
                continue


def require_none_of(key: str, text: str) -> None:
    """No run of bytes of the key is in the text, in whatever encoding; a key has no run that is English."""
    runs = {key[at : at + RUN_LENGTH] for at in range(len(key) - RUN_LENGTH + 1)}
    for reading in readings(text):
        left = [run for run in runs if run in reading]
        assert not left, f"{left[0]!r} of {key!r} is left in {reading[:300]!r}"


def written(key: str, echoed: str, folder: Path) -> Iterator[str]:
    """Every report about one exchange in which the target echoes the key."""
    target = Target("https://queue.example.com", key, "another-key-of-the-operator")
    recorder = Recorder(folder, target)
    url = f"{target.url}/api/queue/{quote(key, safe='')}"
    asked = Asked("POST", url, {"X-API-Key": key, "X-Other": echoed.replace("\n", "")}, echoed.encode())
    answered = Answer(400, (("location", f"/?k={echoed}"), (key, "x")), echoed.encode())
    recorder.note(Exchange.of(asked, answered, "t", 0.0, 1))
    exchanges = list(read_exchanges(folder))
    seen = recorder.mask(seen_of(ValueError(f"not this: {echoed!r} {json.dumps(echoed)}")))
    outcome = Outcome("test_x.py::test_x", "failed", 0.1, seen, exchanges[0].curl(), "a promise")
    lines = list(summary.summary([outcome], Verdict([], [], [], []), [], 1))
    har.write_har(folder / "exchanges.har", exchanges)
    page.write_page(folder / "report.html", Run(target.url, Profile.OBSERVE, folder, "r"), "a", [outcome], lines)
    yield from (path.read_text(encoding="utf-8") for path in sorted(folder.iterdir()))
    yield from ("\n".join(lines), escape(seen), exchanges[0].curl())


def test_no_report_has_a_run_of_a_key() -> None:
    tried: Counter[str] = Counter()

    @settings(max_examples=200, deadline=None)
    @given(key=KEY, layers=LAYERS)
    def escaped(key: str, layers: list[str]) -> None:
        require_none_written(key, f"({through(layers[:2], key)})", tried)

    @settings(max_examples=100, deadline=None)
    @given(key=KEY, before=st.binary(max_size=3), kind=st.sampled_from(sorted(BASE64)))
    def in_base64(key: str, before: bytes, kind: str) -> None:
        require_none_written(key, BASE64[kind](before + key.encode()).decode(), tried)

    escaped()
    in_base64()
    assert tried["reports"] > 1000


def require_none_written(key: str, echoed: str, tried: Counter[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for text in written(key, echoed, Path(folder)):
            tried["reports"] += 1
            require_none_of(key, text)


def test_what_looks_for_keys_finds_them() -> None:
    key = 'a"b\\c&d<e'
    for encode in ENCODINGS.values():
        with pytest.raises(AssertionError, match="is left in"):
            require_none_of(key, f"({encode(key)})")
    with pytest.raises(AssertionError, match="is left in"):
        require_none_of("a-plain-key-1", base64.b64encode(b"x" + b"a-plain-key-1").decode())


ECHOES = {
    "JSON": lambda key: answer(json.dumps({"error": f"no such key: {key}"}).encode(), status="404 Not Found"),
    "JSON in HTML": lambda key: answer(f"<p>{html.escape(json.dumps({'key': key}))}</p>".encode(), status="400 Bad"),
    "a header": lambda key: answer(b"{}", f"X-Echo: {quote(key)}", status="404 Not Found"),
    "base64": lambda key: answer(json.dumps({"e": base64.b64encode(f"x{key}".encode()).decode()}).encode()),
    "a name": lambda key: answer(json.dumps({key: 1}).encode()),
}


@pytest.mark.slow
@pytest.mark.parametrize("command", ["run", "diff"])
@pytest.mark.parametrize("kind", ECHOES)
def test_a_target_that_echoes_its_key_finds_it_in_no_report(kind: str, command: str, tmp_path: Path) -> None:
    env = environment(CONTRACT_QUEUE_KEY=QUEUE_KEY, CONTRACT_ADMIN_KEY=ADMIN_KEY)
    with hostile() as server:
        echo(server, kind)
        if command == "run":
            only = ("--only", "not_found", "--report-dir", "reports", "--rate", "6000/min")
            ended = run("--url", server.url, *only, env=env, folder=tmp_path)
        else:
            ended = run("diff", server.url, server.url, "--rate", "6000/min", env=env, folder=tmp_path)
    assert ended.returncode == 1, ended.stdout
    assert "CONTRACT_QUEUE_KEY" in ended.stdout or "<key>" in ended.stdout
    reports = [path.read_text(encoding="utf-8") for path in tmp_path.glob("reports/*")]
    assert len(reports) == (3 if command == "run" else 0)
    for text in (ended.stdout, *reports):
        for key in (QUEUE_KEY, ADMIN_KEY):
            require_none_of(key, text)


def echo(server: Hostile, kind: str) -> None:
    """The first look at the target is answered well; what is asked by id, with the key."""
    server.answers |= {"/api/queue": EMPTY_QUEUE, "/api/migrate/status": STATUS}
    server.answers["/api/queue/"] = server.answers["/api/result/"] = ECHOES[kind](QUEUE_KEY)
