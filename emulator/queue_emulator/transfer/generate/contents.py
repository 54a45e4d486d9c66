"""What tasks of a queue are about: sources, texts in several scripts, sizes, and the metadata that goes with them."""

from queue_emulator.core.javascript import ToJson

TYPES = ("task", "task", "task", "query", "query", "approval", "notification", "notification")
PRIORITIES = ("medium",) * 12 + ("high",) * 4 + ("low",) * 3 + ("critical",)
STATUSES = ("pending",) * 15 + ("failed",)
DAEMONS = ("daemon-berlin-1", "daemon-berlin-2", "daemon-lisbon-1", "daemon-oslo-1", "daemon-東京-1")
LEASE_S = (300, 300, 300, 300, 600, 600, 120, 60)

_REPOSITORIES = ("octo-shop/storefront", "octo-shop/orders", "octo-shop/billing", "octo-shop/docs")
_CHANNELS = ("#support", "#releases", "#payments", "#Größe-und-Maße", "#物流")
_MAILBOXES = ("versand@octo-shop.example", "sklad@octo-shop.example", "returns@octo-shop.example")
_SCHEDULES = ("0 3 * * *", "*/15 * * * *", "0 9 * * 1")

_SENTENCES: dict[str, tuple[str, ...]] = {
    "github-webhook": (
        "Fix the flaky login test reported in issue {n}",
        "Review pull request {n}: “retry the payment once, then give up”",
        "Build and test branch release/{n}",
        "Bump the base image; the scan of build {n} found 3 advisories",
    ),
    "slack": (
        "Which customers were affected by incident {n}?",
        "Warum ist Bestellung {n} noch nicht verschickt? (eilt!) „dringend“",
        "注文 {n} の配送状況を教えてください",
        "Launch campaign {n} 🎿❄️",
    ),
    "email": (
        "Übersetze die Versandhinweise {n} ins Französische",
        "Проверить остатки на складе по заявке {n}",
        "طلب استرداد رقم {n}",
        "Return {n}: the parcel came back\nwith a note in it:\t“wrong size”",
    ),
    "cron": (
        "Nightly backup {n} finished: 18 tables, 4.2 GB",
        "Disk usage of build-{n} passed 80 %",
        "Report {n} is ready",
    ),
    "api": ("批准退款 {n}", "Regenerate the thumbnails of {n} products", "Re-index catalogue {n}"),
}
SOURCES = tuple(_SENTENCES)
_LOG_LINE = "2026-11-20T08:{m:02d}:{s:02d}.{n:03d}Z worker-{w} GET /cart/{n} 502 upstream “timeout” \\ retry={w}\n"


def content(source: str, number: int, size: int, pick: int) -> str:
    """A sentence; with a log attached to it that makes about `size` characters."""
    sentences = _SENTENCES[source]
    text = sentences[pick % len(sentences)].format(n=number)
    if size <= len(text):
        return text
    line = _LOG_LINE.format(m=pick % 60, s=number % 60, n=number % 1000, w=pick % 7)
    return f"{text}\n{line * (1 + (size - len(text)) // len(line))}"


def metadata(source: str, number: int, pick: int) -> dict[str, ToJson]:
    """What a webhook of the source sends along."""
    if source == "github-webhook":
        return {"repository": _of(_REPOSITORIES, pick), "issue": number, "labels": ["bug", "p2"][: pick % 3]}
    if source == "slack":
        return {"channel": _of(_CHANNELS, pick), "thread": f"1795165140.{pick % 1_000_000:06d}"}
    if source == "email":
        return {"from": _of(_MAILBOXES, pick), "attachments": [{"name": "hinweise.md", "bytes": 100 + pick % 90_000}]}
    if source == "cron":
        return {"schedule": _of(_SCHEDULES, pick), "percent": (pick % 1000) / 10}
    return {} if pick % 4 else {"order": number, "nested": {"a": [None, True, {"ö": pick % 100}]}}


def size_of(pick: int) -> int:
    """Characters: nine in ten tasks are a sentence, one in a hundred holds some thousand."""
    part = pick % 100
    if part < 90:
        return 0
    return 300 + pick // 100 % 1500 if part < 99 else 4000 + pick // 100 % 12_000


def _of(words: tuple[str, ...], pick: int) -> str:
    return words[pick % len(words)]
