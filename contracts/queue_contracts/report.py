"""What a run says: a summary that a person can act on, a page, and every exchange as HAR 1.2; no key in any of them.

HAR: http://www.softwareishard.com/blog/har-12-spec/ (2026-11-24).
"""

import html
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from queue_contracts.names import HAR, JUNIT, PAGE
from queue_contracts.recorder import Exchange
from queue_contracts.run import Run
from queue_contracts.verdict import Verdict

FAILURE = "contract-failure"
LINES_MAX = 12


@dataclass(frozen=True)
class Outcome:
    """What came of one check. `seen` and `curl` are of a failure; `settled` how long it waited to see a write."""

    name: str
    result: str
    took_s: float
    seen: str = ""
    curl: str = ""
    promise: str = ""
    settled: tuple[str, ...] = ()


def promise_of(name: str, docstring: str | None) -> str:
    """What a check holds, in words: its name is a sentence."""
    said = name.partition("[")[0].removeprefix("test_").replace("_", " ")
    case = name.partition("[")[2].rstrip("]")
    sentence = f"{said} [{case}]" if case else said
    return f"{sentence}. {docstring.strip().splitlines()[0]}" if docstring else sentence


def seen_of(error: BaseException) -> str:
    """What was seen instead, without the way through the code; of several failures each."""
    if isinstance(error, BaseExceptionGroup):
        return "\n".join(seen_of(each) for each in error.exceptions)
    said = str(error).strip() or type(error).__name__
    if not isinstance(error, AssertionError):
        said = f"{type(error).__name__}: {said}"
    lines = [line for line in said.splitlines() if line.strip()]
    return "\n".join(lines[:LINES_MAX])


def summary(outcomes: Sequence[Outcome], verdict: Verdict, left_out: Sequence[str], exchanges: int) -> Iterator[str]:
    """The end of the output of a run."""
    for each in outcomes:
        if each.result == "failed":
            yield from _failure(each)
    for settled in sorted({line for each in outcomes for line in each.settled}):
        yield f"settled: {settled}"
    for line in left_out:
        yield f"not checked: {line}"
    for label in verdict.unseen:
        yield f"not seen to succeed: {label}"
    for line in verdict.breaches:
        yield f"BREACH of the profile: {line}"
    for line in verdict.untestable:
        yield f"CANNOT BE TESTED: {line}; nothing was sent after that"
    for line in verdict.vacuous:
        yield f"PROVES NOTHING: {line}"
    failed = sum(each.result == "failed" for each in outcomes)
    held = sum(each.result == "passed" for each in outcomes)
    yield f"{held} checks hold, {failed} do not; {exchanges} requests were sent"


def _failure(each: Outcome) -> Iterator[str]:
    yield ""
    yield f"BROKEN: {each.name}"
    yield f"  promised: {each.promise}"
    for number, line in enumerate(each.seen.splitlines()):
        yield f"  {'seen:    ' if number == 0 else '         '} {line}"
    if each.curl:
        yield f"  again:    {each.curl}"


def write_har(path: Path, exchanges: Iterable[Exchange]) -> None:
    """All exchanges, in the order in which they began."""
    entries = [_entry(each) for each in sorted(exchanges, key=lambda each: each.began_s)]
    creator = {"name": "queue-contracts", "version": version("queue-emulator")}
    document = {"log": {"version": "1.2", "creator": creator, "entries": entries}}
    path.write_text(json.dumps(document, ensure_ascii=False, indent=1), encoding="utf-8")


def _entry(each: Exchange) -> dict[str, Any]:
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


def require_writable(folder: Path) -> None:
    """Make the folder, and raise OSError before anything is sent if a report could not be written at the end."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in (folder / name for name in (JUNIT, PAGE, HAR)):
        there = path.exists()
        path.open("ab").close()
        if not there:
            path.unlink()


STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem; color: #222 }
table { border-collapse: collapse; width: 100% } td, th { text-align: left; padding: .3rem .6rem; vertical-align: top }
tr { border-bottom: 1px solid #ddd } pre { margin: .3rem 0; white-space: pre-wrap; overflow-wrap: anywhere }
.failed { background: #fdecea } .result { font-weight: 600 }
@media (prefers-color-scheme: dark) { body { background: #181818; color: #ddd } .failed { background: #4a1f1c } }
"""


def write_page(path: Path, run: Run, address: str, outcomes: Sequence[Outcome], lines: Sequence[str]) -> None:
    """One page that needs nothing besides itself: failures first, then every check."""
    ordered = sorted(outcomes, key=lambda each: (each.result != "failed", each.name))
    rows = "\n".join(_row(each) for each in ordered)
    said = html.escape("\n".join(lines))
    path.write_text(
        f"<!doctype html><html lang=en><meta charset=utf-8><title>Contract of {html.escape(address)}</title>"
        f"<style>{STYLE}</style><h1>Contract of {html.escape(address)}</h1>"
        f"<p>Profile {run.profile.value}, seed {run.seed}, {datetime.now(UTC).isoformat(timespec='seconds')}</p>"
        f"<pre>{said}</pre><table><tr><th>result<th>check<th>seconds</tr>\n{rows}</table></html>\n",
        encoding="utf-8",
    )


def _row(each: Outcome) -> str:
    details = "".join(f"<pre>{html.escape(text)}</pre>" for text in (each.seen, each.curl) if text)
    return (
        f'<tr class="{each.result}"><td class=result>{each.result}<td>{html.escape(each.name)}{details}'
        f"<td>{each.took_s:.2f}</tr>"
    )
