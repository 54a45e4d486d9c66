"""What came of one check, as the process that ran it tells the one that leads."""

from dataclasses import dataclass
from itertools import takewhile

FAILURE, MISSING = "contract-failure", "contract-missing"
LINES_MAX = 12
_SCHEMA = "Schema:"  # after which Schemathesis shows all that openapi.yaml says there


@dataclass(frozen=True)
class Outcome:
    """What came of one check. `seen` and `curl` are of a failure, and so are the next two.

    asked    the operation that was asked last
    broken   how the answer to it leaves the description; "" where it is a described one
    settled  how long it waited to see a write
    """

    name: str
    result: str
    took_s: float
    seen: str = ""
    curl: str = ""
    promise: str = ""
    asked: str = ""
    broken: str = ""
    settled: tuple[str, ...] = ()

    @property
    def check(self) -> str:
        """Its name without the case."""
        return self.name.partition("[")[0]


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
    lines = list(takewhile(lambda line: line != _SCHEMA, filter(str.strip, said.splitlines())))
    return "\n".join(lines[:LINES_MAX])
