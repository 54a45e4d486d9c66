"""Every exchange of a run as HAR 1.2: http://www.softwareishard.com/blog/har-12-spec/ (2026-11-24)."""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from queue_contracts.sending.recorder import Exchange
from queue_contracts.untrusted.files import write_whole


def write_har(path: Path, exchanges: Iterable[Exchange]) -> None:
    """All exchanges, in the order in which they began."""
    entries = [_entry(each) for each in sorted(exchanges, key=lambda each: each.began_s)]
    creator = {"name": "queue-contracts", "version": version("queue-emulator")}
    document = {"log": {"version": "1.2", "creator": creator, "entries": entries}}
    write_whole(path, json.dumps(document, ensure_ascii=False, indent=1))


def _entry(each: Exchange) -> dict[str, object]:
    body = {"postData": {"mimeType": _kind(each.request_headers), "text": each.request_body}}
    return {
        "startedDateTime": datetime.fromtimestamp(each.began_s, UTC).isoformat(),
        "time": each.took_ms,
        "request": {
            "method": each.method,
            "url": each.url,
            "httpVersion": "HTTP/1.1",
            "cookies": [],
            "headers": _named(each.request_headers),
            "queryString": [],
            "headersSize": -1,
            "bodySize": len(each.request_body.encode()),
            **(body if each.request_body else {}),
        },
        "response": {
            "status": each.status,
            "statusText": "",
            "httpVersion": "HTTP/1.1",
            "cookies": [],
            "headers": _named(each.headers),
            "content": {"size": len(each.body.encode()), "mimeType": _kind(each.headers), "text": each.body},
            "redirectURL": "",
            "headersSize": -1,
            "bodySize": -1,
        },
        "cache": {},
        "timings": {"send": 0, "wait": each.took_ms, "receive": 0},
        "comment": each.test,
    }


def _named(headers: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in headers.items()]


def _kind(headers: Mapping[str, str]) -> str:
    return next((value for name, value in headers.items() if name.lower() == "content-type"), "")
