"""When a schedule begins, and when what is there before it was written."""

START_MS = 1_767_268_800_000  # 2026-01-01T12:00:00Z
WRITTEN_MS = START_MS - 60_000  # what is there before was written a minute ago: no copy of anything older is left
