"""Old-format data made from a number: the same number, the same entries, as a queue in use leaves them behind."""

import random

from queue_contracts.json_values import Fields
from queue_contracts.targets import entries
from queue_contracts.targets.storage import Entry

TEXTS = [
    "Fix the flaky login test",
    "Grüße aus Köln",
    "納期は明日です",
    "🚀 ship it",
    'quotes " and \\ and \u2028',
    "",
    "x" * 2000,
]
BROKEN = ["", "null", '{"id": "cut off', "see email", "[1, 2"]


def old_queue(number: int) -> list[Entry]:
    """Tasks that are listed, unlisted, missing, broken or listed twice; leases of tasks and of none; data already new.

    Every third queue is sound: nothing in it can fail.
    """
    chance = random.Random(f"old queue {number}")
    sound = number % 3 == 0
    ids = [_id(chance, n) for n in range(chance.randint(1, 30))]
    made = [_task(chance, task_id) for task_id in ids]
    listed = [task_id for task_id in ids if chance.random() < 0.9]
    ghosts = [] if sound else [f"ghost-{n}" for n in range(chance.choice([0, 0, 1, 3]))]
    twice = [] if sound else [task_id for task_id in listed if chance.random() < 0.05]
    pending = [*listed, *ghosts, *twice]
    chance.shuffle(pending)
    hit = [] if sound else [task_id for task_id in ids if chance.random() < 0.1]
    broken = [entries.entry(entries.OLD_TASK + each, chance.choice(BROKEN)) for each in hit]
    leases = [_lease(chance, each, sound) for each in [*ids, "finished-1", "finished-2"] if chance.random() < 0.4]
    new = [entries.new_task(each) for each in ("arrived-1", *ids[:1]) if chance.random() < 0.5]
    results = [entries.result(each) for each in ("done-1", *ids[:1]) if chance.random() < 0.5]
    return _last_of_each_key([entries.old_pending(*pending), *made, *broken, *leases, *new, *results])


def _id(chance: random.Random, n: int) -> str:
    return f"{chance.choice(['job', 'T', '0', 'approval-for-release'])}-{n}"


def _task(chance: random.Random, task_id: str) -> Entry:
    fields: Fields = {
        "type": chance.choice(["task", "query", "approval", "notification"]),
        "content": chance.choice(TEXTS),
        "priority": chance.choice(["low", "medium", "high", "critical"]),
        "metadata": {"attempt": chance.randint(0, 9), "labels": chance.sample(TEXTS, 2), "nested": {"none": None}},
        "status": chance.choice(["pending", "pending", "claimed", "failed"]),
    }
    if chance.random() < 0.3:
        fields["skillHints"] = ["french"]
    ttl_s = chance.choice([60, 900, 3600])
    return entries.entry(entries.OLD_TASK + task_id, entries.task(task_id, **fields), ttl_s)


def _lease(chance: random.Random, task_id: str, sound: bool) -> Entry:
    key, value = entries.OLD_LEASE + task_id, entries.lease(f"daemon-{chance.randint(1, 4)}")
    kind = chance.random()
    if kind < 0.1 and not sound:
        return entries.entry(key, chance.choice(BROKEN), 300)
    if kind < 0.2:
        return {name: given for name, given in entries.entry(key, value).items() if name != "expiration_ttl"}
    return entries.entry(key, value, chance.choice([60, 61, 120, 300, 600]))


def _last_of_each_key(made: list[Entry]) -> list[Entry]:
    return list({str(entry["key"]): entry for entry in made}.values())
