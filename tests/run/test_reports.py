"""What comes on the socket of reports: a report of a preload's form, or nothing."""

import json
from itertools import product

import pytest

from queue_emulator.run.reports import Ready, parse

READY: dict[str, object] = {
    "event": "ready", "tool": "wrangler 4", "miniflare": "4", "process": "p", "instance": 1, "cf": {}, "alone": None,
}  # fmt: skip
ELSEWHERE = (
    "http://evil.example:80/", "http://8.8.8.8:80/", "https://127.0.0.1:80/", "file:///etc/passwd", "unix:/tmp/x",
    "ftp://127.0.0.1:21/", "http://[::1", "http://127.0.0.1:99999/", "http://127.0.0.1:-5/", "http://127.0.0.1:0/",
    "http://me:secret@127.0.0.1:80/", "http://127.0.0.1.evil.example:80/", "http://2130706433:80/",
    "http://\u2160\u2461\u2466.0.0.1:80/", "http://192.0.2.1:80/", "http://169.254.169.254:80/", "http://[fe80::1]:80/",
    "//127.0.0.1:80/", "\x00", "",
)  # fmt: skip
FORMS = (
    b"", b"7", b"null", b"[]", b"{}", b"\xff", b'{"event":"nothing"}', b'{"event":"ready"}', b"[" * 100_000,
    b'{"event":"bound","tool":"x","places":7}', b'{"event":"bound","tool":"x","places":[{"binding":"a"}]}',
    b'{"event":"loaded","tool":"\\ud800","miniflare":"4"}', b'{"event":"missed","tool":{"toString":1}}',
)  # fmt: skip


@pytest.mark.parametrize(
    "near",
    [
        "http://127.0.0.1:8787/",
        "http://localhost:1/",
        "http://[::1]:80/",
        "http://0.0.0.0:80/",
        "http://127.0.0.1/",
    ],
)
def test_a_runtime_on_this_machine_is_believed(near: str) -> None:
    said = {**READY, "urls": {"SJC": near}, "clocks": [near]}
    assert parse(json.dumps(said).encode()) == Ready("wrangler 4", "4", "p", 1, {"SJC": near}, {}, None, (near,))


def test_no_report_leads_what_clients_send_away_from_this_machine() -> None:
    tried = 0
    for url, (urls, clocks) in product(ELSEWHERE, (({"SJC": "%"}, []), ({}, ["%"]))):
        said = json.dumps({**READY, "urls": urls, "clocks": clocks}).replace('"%"', json.dumps(url))
        with pytest.raises(ValueError, match="not a report"):
            parse(said.encode())
        tried += 1
    assert tried == 2 * len(ELSEWHERE)


@pytest.mark.parametrize("line", FORMS)
def test_what_has_another_form_is_no_report(line: bytes) -> None:
    with pytest.raises(ValueError, match="not a report"):
        parse(line)
