"""What symbolic names stand for on one target: ids of its own run, and values that its earlier answers gave."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from queue_contracts.described.answers import Answer
from queue_contracts.json_values import Json, NoJson, has_half_a_pair, value_at

CAPTURABLE = re.compile(r"[a-z][a-z0-9-]*")
_NAME = re.compile(rf"\{{({CAPTURABLE.pattern})(?::(\d{{1,3}}))?\}}")
ANY_RUN = "ct-*-"
_CHARACTERS_MAX = 4096  # of a captured text: it becomes a part of a URL


def names_in(value: Json) -> Iterator[str]:
    """Every name in a text, or in the texts of a JSON value."""
    if isinstance(value, str):
        yield from (match[1] for match in _NAME.finditer(value))
    elif isinstance(value, list | dict):
        for each in value if isinstance(value, list) else (*value, *value.values()):
            yield from names_in(each)


@dataclass(frozen=True)
class Names:
    """The names of one sequence on one target; every id begins with `prefix`, so that ids sort as their names do."""

    prefix: str
    captured: dict[str, str] = field(default_factory=dict)

    def resolve(self, text: str, quoted: Callable[[str], str] = str) -> str:
        """The text with every `{name}` replaced by what it stands for."""
        return _NAME.sub(lambda match: quoted(self._value(match[1], int(match[2] or 0))), text)

    def resolve_json(self, value: Json) -> Json:
        """The same in every text of a JSON value."""
        if isinstance(value, str):
            return self.resolve(value)
        if isinstance(value, list):
            return [self.resolve_json(each) for each in value]
        if isinstance(value, dict):
            return {self.resolve(name): self.resolve_json(each) for name, each in value.items()}
        return value

    def capture(self, wanted: tuple[tuple[str, str], ...], answer: Answer) -> str | None:
        """Keep these values of an answer; the first name that it has no text for, or None."""
        for name, path in wanted:
            try:
                value = value_at(answer.json(), path)
            except (NoJson, LookupError):
                return name
            if not isinstance(value, str) or len(value) > _CHARACTERS_MAX or has_half_a_pair(value):
                return name
            self.captured[name] = value
        return None

    def without_run(self, text: str) -> str:
        """The text with the prefix of this run's ids replaced by one that is the same in every run."""
        return text.replace(self.prefix, ANY_RUN)

    def _value(self, name: str, length: int) -> str:
        if name in self.captured:
            return self.captured[name]
        return (self.prefix + name).ljust(length, "x")
