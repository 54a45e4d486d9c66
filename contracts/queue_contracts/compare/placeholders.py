"""A `{name}` stands for something: for what an earlier answer gave, or for an id that a path or a seed has.

Whatever else a text held would be sent as an id that nobody knows, and all deployments would refuse it alike.
"""

from collections.abc import Iterable
from collections.abc import Sequence as List

from queue_contracts.compare.naming import names_in
from queue_contracts.compare.seeds import SequenceError
from queue_contracts.compare.steps import Request, Seed, Step
from queue_contracts.json_values import Json
from queue_contracts.targets import entries


def require_meaning(placed: List[tuple[str, Step]]) -> None:
    """Raise SequenceError for the first step, each given with its place, that has a name which stands for nothing."""
    captured_somewhere = {name for _, step in placed for name in _captured(step)}
    # A path makes an id of a name, unless that is captured: what is asked for need not be there.
    ids = {name for _, step in placed if isinstance(step, Request) for name in names_in(step.path)}
    known = ids - captured_somewhere | {name for _, step in placed for name in _seeded(step)}
    for where, step in placed:
        unknown = [name for text in _texts(step) for name in names_in(text) if name not in known]
        if unknown:
            raise SequenceError(
                f"{where}: {{{unknown[0]}}} is unknown: no earlier step captures it, and it is not an id "
                f"that a path or a seed has"
            )
        known |= set(_captured(step))


def _captured(step: Step) -> Iterable[str]:
    return [name for name, _ in step.capture] if isinstance(step, Request) else ()


def _seeded(step: Step) -> set[str]:
    """The ids in the keys of entries, and in the list of the old format, which is all ids."""
    if not isinstance(step, Seed):
        return set()
    listed = [entry["value"] for entry in step.entries if entry["key"] == entries.OLD_PENDING]
    return {name for text in [*(entry["key"] for entry in step.entries), *listed] for name in names_in(text)}


def _texts(step: Step) -> list[Json]:
    if isinstance(step, Seed):
        return [entry["value"] for entry in step.entries]
    if not isinstance(step, Request):
        return []
    awaited = [value for _, value in step.until.body] if step.until else []
    return [step.path, step.body, *(value for _, value in step.headers), *awaited]
