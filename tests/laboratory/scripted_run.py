"""A script with a seed: run as a program, it prints the journal of what it did."""

import asyncio
import sys
from contextlib import suppress

from queue_emulator.core.clock import MovableClock
from queue_emulator.core.dice import Dice
from queue_emulator.core.errors import KVError
from queue_emulator.core.faults import rule_from_json
from queue_emulator.core.options import ListRequest, PutRequest
from queue_emulator.core.profiles import compose
from queue_emulator.kv.service import KVService
from queue_emulator.kv.store import MemoryStore
from queue_emulator.kv.waiting import sleep_on
from queue_emulator.testing import NOON_MS, Emulator
from tests.laboratory.looking import CONTROL

LOCATIONS = ("SJC", "NRT", "LHR")


def main(seed: int) -> None:
    sys.stdout.write(one_after_another(seed))
    sys.stdout.write(asyncio.run(all_at_once(seed)))


def one_after_another(seed: int) -> str:
    """Daemons at three locations work on a queue, with lag, faults and limits in their way."""
    emulator = Emulator(profile=compose("cloudflare", lag_ms=(0, 9_000)), locations=LOCATIONS, seed=seed)
    emulator.faults.add("fail_before", percent=10, operation="get")
    emulator.faults.add("fail_after", percent=10, operation="put", status=503)
    emulator.faults.add("drop_replication", percent=20, to="NRT", for_s=45)
    draw = Dice(seed)
    for step in range(150):
        location = emulator.at(LOCATIONS[draw.below(3, "location", step)])
        match draw.below(4, "what", step):
            case 0:
                location.post(f"{CONTROL}/enqueue", {"task": {"source": f"webhook-{step}"}})
            case 1:
                task = location.post("/api/queue/claim", {"workerId": location.name, "leaseDurationSec": 60})
                if task.status == 200 and task.json()["success"]:
                    location.post(f"/api/result/{task.json()['taskId']}", {"success": True})
            case 2:
                location.get("/api/queue")
            case 3:
                emulator.clock.advance(draw.below(20_000, "pause", step) / 1000)
    return emulator.get(f"{CONTROL}/journal").text


async def all_at_once(seed: int) -> str:
    """Forty delayed operations wait at the same time, and one move of the clock lets them all go on."""
    clock = MovableClock.frozen_at(NOON_MS)
    service = KVService(MemoryStore(), clock=clock, dice=Dice(seed), sleep=sleep_on(clock))
    for number in range(10):
        service.faults.add(
            rule_from_json({"verdict": "delay", "for_s": 1 + 7 * number % 10, "key_prefix": f"{number}"})
        )

    async def operation(number: int) -> None:
        key, location = f"{number % 10}".encode(), LOCATIONS[number % 3]
        with suppress(KVError):
            match number % 4:
                case 0:
                    await service.put(location, PutRequest(key, b""))
                case 1:
                    await service.delete(location, key)
                case 2:
                    await service.get(location, key)
                case 3:
                    await service.list(location, ListRequest(key))

    async with asyncio.TaskGroup() as tasks:
        for number in range(40):
            tasks.create_task(operation(number))
        tasks.create_task(asyncio.to_thread(lambda: None)).add_done_callback(lambda _: clock.advance(3_600_000))
    return "".join(event.to_json_line() + "\n" for event in service.journal.after(0))


if __name__ == "__main__":
    main(int(sys.argv[1]))
