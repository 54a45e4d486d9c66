"""What was really written under each key, and which of it a location may still be shown: a model without caches."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Write:
    """One write; `value` None is a delete, `version` 0 is the time before the first write."""

    version: int
    written_ms: int
    location: str
    value: str | None = None
    expiration_s: int | None = None

    def shows(self, now_ms: int) -> str | None:
        """What a reader is told who sees this write."""
        gone = self.expiration_s is not None and self.expiration_s * 1000 <= now_ms
        return None if gone else self.value


@dataclass
class Truth:
    """Every write in order. `lag_ms` is the greatest that a write may need to another location."""

    lag_ms: int
    writes: dict[str, list[Write]] = field(default_factory=dict)
    last_version: int = 0

    def wrote(self, key: str, now_ms: int, location: str, value: str | None, expiration_s: int | None = None) -> None:
        self.last_version += 1
        self.of(key).append(Write(self.last_version, now_ms, location, value, expiration_s))

    def of(self, key: str) -> list[Write]:
        return self.writes.setdefault(key, [Write(0, 0, "")])

    def last(self, key: str) -> Write:
        return self.of(key)[-1]

    def visible(self, key: str, location: str, ttl_s: int, now_ms: int) -> list[Write]:
        """The writes that a reader may see: overwritten not too long ago, and no older than its location's own last."""
        writes = self.of(key)
        own = max((number for number, write in enumerate(writes) if write.location == location), default=0)
        bound_ms = ttl_s * 1000 + self.lag_ms
        overwritten_ms = [after.written_ms for after in writes[1:]]
        return [
            write
            for number, write in enumerate(writes)
            if number >= own and (number == len(writes) - 1 or now_ms - overwritten_ms[number] < bound_ms)
        ]

    def settled(self, key: str, ttl_s: int, now_ms: int) -> bool:
        """Whether every location must see the last write by now."""
        return now_ms - self.last(key).written_ms >= ttl_s * 1000 + self.lag_ms
