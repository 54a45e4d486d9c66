"""A queue as Workers kept it before the migration: everything about the nth task follows from n and the seed.

One pending list, a key a task, a key a lease; written one after the other, so that a million tasks need no more memory
than one. Lifetimes are relative; the times inside the values end at `at_ms`.
"""

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from queue_emulator.core.clock import iso_8601
from queue_emulator.core.dice import Dice
from queue_emulator.core.errors import SettingsError
from queue_emulator.core.javascript import ToJson
from queue_emulator.core.limits import TTL_S_MIN, VALUE_BYTES_MAX
from queue_emulator.transfer.generate import contents
from queue_emulator.transfer.generate.spread import Spread
from queue_emulator.worker.formats import OLD_LEASE_PREFIX, OLD_PENDING_KEY, OLD_TASK_PREFIX, TASK_TTL_S

Word = TypeVar("Word")

_AGE_MS_MAX = 3_000_000  # no task is nearer than ten minutes to its end

CORRUPT_VALUES: tuple[bytes, ...] = (
    b'{"id":"%s","type":"task","content":"cut off in the mid',
    b"restart the build",
    b"\xff\xfe\x00\x27\x92\x96",
    b"",
    b"null",
    b'["%s"]',
    b"42",
)
"""As in fixtures/old-format/corrupt.json, in turn: the first five cannot be migrated, the others move as they are."""


@dataclass(frozen=True, slots=True)
class OldFormatOptions:
    """How much of what, all drawn from `seed`.

    tasks    keys of tasks
    leased   how many of them have a lease
    orphans  the larger half: tasks that the pending list does not name; the smaller: ids on it without a task
    corrupt  how many of the listed tasks hold one of CORRUPT_VALUES
    others   keys beside the queue's: counters of a rate limit, and sessions
    prefix   of every id, followed by "-"
    at_ms    when the data is of
    """

    tasks: int
    leased: int = 0
    orphans: int = 0
    corrupt: int = 0
    others: int = 0
    prefix: str = ""
    seed: int = 0
    at_ms: int = 0

    @property
    def unlisted(self) -> int:
        return self.orphans - self.ghosts

    @property
    def ghosts(self) -> int:
        return self.orphans // 2


def old_format(options: OldFormatOptions) -> Iterator[str]:
    """The bulk-put file piece by piece, an entry a line; raises SettingsError before the first piece."""
    queue = _Queue(options)
    queue.check()
    return queue.pieces()


class _Queue:
    def __init__(self, options: OldFormatOptions) -> None:
        self._options = options
        self._dice = Dice(options.seed)
        total, odd = options.tasks, options.unlisted + options.corrupt
        self._leased = Spread("leased", total, options.leased, self._dice)
        self._odd = Spread("odd", total, odd, self._dice)
        self._corrupt = Spread("corrupt", odd, options.corrupt, self._dice)
        self._ghosts = Spread("ghosts", total, options.ghosts, self._dice)

    def check(self) -> None:
        options = self._options
        for name, count in (("leased", options.leased), ("unlisted and corrupt", options.unlisted + options.corrupt)):
            if count > options.tasks:
                raise SettingsError(f"{count:,} of {options.tasks:,} tasks cannot be {name}")
        if options.ghosts > options.tasks:
            raise SettingsError(f"{options.orphans:,} orphans are too many for {options.tasks:,} tasks")
        self._check_pending_list()

    def _check_pending_list(self) -> None:
        """It is one value, so KV bounds it. What fits is said, and nothing is left out on the quiet."""
        size_bytes, fitting = 2, 0
        for number, listed in enumerate(self._listed()):
            size_bytes += len(listed) + (number > 0)  # ids are ASCII, and need no escape
            fitting += size_bytes <= VALUE_BYTES_MAX
        if size_bytes > VALUE_BYTES_MAX:
            raise SettingsError(
                f"a pending list of {size_bytes:,} bytes does not fit in one value of KV, which takes "
                f"{VALUE_BYTES_MAX:,}: {fitting:,} ids would fit; take fewer --tasks or a shorter --prefix"
            )

    def pieces(self) -> Iterator[str]:
        yield '[\n{"key":"' + OLD_PENDING_KEY + '","value":"['
        comma = ""
        for listed in self._listed():
            yield comma + listed.replace('"', '\\"')
            comma = ","
        yield f']","expiration_ttl":{TASK_TTL_S}}}'
        for number in range(self._options.tasks):
            yield ",\n" + self._task_entry(number)
        for number in range(self._options.tasks):
            if self._leased.rank(number) is not None:
                yield ",\n" + self._lease_entry(number)
        for number in range(self._options.others):
            yield ",\n" + self._other_entry(number)
        yield "\n]\n"

    def _listed(self) -> Iterator[str]:
        """The ids on the pending list, as JSON, in the order in which they were enqueued."""
        for number in range(self._options.tasks):
            ghost = self._ghosts.rank(number)
            if ghost is not None:
                yield f'"{self._id(self._options.tasks + ghost)}"'
            if not self._is_unlisted(number):
                yield f'"{self._id(number)}"'

    def _is_unlisted(self, number: int) -> bool:
        odd = self._odd.rank(number)
        return odd is not None and self._corrupt.rank(odd) is None

    def _id(self, number: int) -> str:
        """Different numbers never make the same id."""
        draw = self._dice.bits(64, "id", number)
        form = next(form for below, form in _ID_FORMS if draw % 20 < below)
        made = form(number, draw >> 32)
        return f"{self._options.prefix}-{made}" if self._options.prefix else made

    def _task_entry(self, number: int) -> str:
        odd = self._odd.rank(number)
        corrupt = None if odd is None else self._corrupt.rank(odd)
        task_id, age_ms = self._id(number), self._age_ms(number)
        key, ttl_s = OLD_TASK_PREFIX + task_id, TASK_TTL_S - age_ms // 1000
        if corrupt is None:
            return _entry(key, _json(self._task(number, task_id, self._options.at_ms - age_ms)), ttl_s)
        value = CORRUPT_VALUES[corrupt % len(CORRUPT_VALUES)].replace(b"%s", task_id.encode())
        try:
            return _entry(key, value.decode(), ttl_s)
        except UnicodeDecodeError:
            return _entry(key, base64.b64encode(value).decode(), ttl_s, base64=True)

    def _task(self, number: int, task_id: str, queued_ms: int) -> dict[str, ToJson]:
        draw = self._dice.bits(64, "task", number)
        draw, source = _pick(draw, contents.SOURCES)
        draw, kind = _pick(draw, contents.TYPES)
        draw, priority = _pick(draw, contents.PRIORITIES)
        draw, status = _pick(draw, contents.STATUSES)
        pick, size = draw & 0xFFFFF, contents.size_of(self._dice.bits(32, "size", number))
        task: dict[str, ToJson] = {
            "id": task_id,
            "type": kind,
            "source": source,
            "content": contents.content(source, number, size, pick),
            "priority": priority,
            "metadata": contents.metadata(source, number, pick),
            "queuedAt": iso_8601(queued_ms),
            "status": "claimed" if self._leased.rank(number) is not None and pick % 2 else status,
        }
        if pick % 3 == 0:
            task["createdAt"] = iso_8601(queued_ms - pick % 1500)
        if pick % 11 == 0:
            task["skillHints"] = ["translation", "français"]
        if pick % 17 == 0:
            task["delegationHints"] = {"preferred": "release-captain", "fallback": "on-call"}
        return task

    def _age_ms(self, number: int) -> int:
        """Of two tasks the later on the list is the younger; most are young."""
        jitter = self._dice.bits(10, "age", number) / 1024
        part = (self._options.tasks - number - jitter) / self._options.tasks
        return int(_AGE_MS_MAX * part * part)

    def _lease_entry(self, number: int) -> str:
        """A lease that lives for another minute at least, which is the least that KV keeps anything."""
        draw = self._dice.bits(64, "lease", number)
        draw, daemon = _pick(draw, contents.DAEMONS)
        draw, whole_s = _pick(draw, contents.LEASE_S)
        left_s = TTL_S_MIN + draw % (whole_s - TTL_S_MIN + 1)
        claimed_ms = self._options.at_ms - (whole_s - left_s) * 1000
        lease = {
            "workerId": daemon,
            "claimedAt": iso_8601(claimed_ms),
            "expiresAt": iso_8601(claimed_ms + whole_s * 1000),
        }
        nonce = self._dice.bits(64, "nonce", number)
        if nonce % 2:
            lease["claimNonce"] = f"{nonce:016x}"
        return _entry(OLD_LEASE_PREFIX + self._id(number), _json(lease), left_s)

    def _other_entry(self, number: int) -> str:
        draw = self._dice.bits(64, "other", number)
        name = f"{draw >> 32:08x}-{number:x}"
        if draw % 3:
            return _entry(f"ratelimit:queue:{name}", str(draw % 45), TTL_S_MIN + draw % 60)
        return _entry(f"session:{name}", _json({"user": f"U{number:05d}", "channel": "#support"}), TASK_TTL_S)


# How old Workers and their callers named tasks: below which draw of 20, and the name from a number and a 32-bit draw.
_ID_FORMS: tuple[tuple[int, Callable[[int, int], str]], ...] = (
    (7, lambda number, draw: f"task-{number:x}{draw & 0xFFFF:04x}"),
    (11, lambda number, draw: f"task{number + 1}"),
    (15, lambda number, draw: f"evt_{draw:08x}_{number:x}"),
    (18, lambda number, draw: f"{number:x}{draw:08x}"),
    (19, lambda number, draw: f"{draw:08x}-0000-4000-8000-{number:012x}"),
    (20, lambda number, draw: f"gh-{1000 + number}"),
)


def _pick(draw: int, words: tuple[Word, ...]) -> tuple[int, Word]:
    rest, index = divmod(draw, len(words))
    return rest, words[index]


def _entry(key: str, value: str, ttl_s: int, **more: bool) -> str:
    return _json({"key": key, "value": value, "expiration_ttl": ttl_s, **more})


def _json(value: ToJson) -> str:
    return _ENCODER.encode(value)


_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
