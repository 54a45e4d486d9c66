"""What a run says, as one page of HTML."""

import html
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from queue_contracts.report.outcomes import Outcome
from queue_contracts.sending.run import Run
from queue_contracts.untrusted.files import write_whole

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
    write_whole(
        path,
        f"<!doctype html><html lang=en><meta charset=utf-8><title>Contract of {html.escape(address)}</title>"
        f"<style>{STYLE}</style><h1>Contract of {html.escape(address)}</h1>"
        f"<p>Profile {run.profile.value}, seed {run.seed}, {datetime.now(UTC).isoformat(timespec='seconds')}</p>"
        f"<pre>{said}</pre><table><tr><th>result<th>check<th>seconds</tr>\n{rows}</table></html>\n",
    )


def _row(each: Outcome) -> str:
    details = "".join(f"<pre>{html.escape(text)}</pre>" for text in (each.seen, each.curl) if text)
    return (
        f'<tr class="{each.result}"><td class=result>{each.result}<td>{html.escape(each.name)}{details}'
        f"<td>{each.took_s:.2f}</tr>"
    )
