"""How fast `explore` is, and how soon it finds each recorded hazard: python -m tests.bench.exploring [SEEDS]

For each seed: the schedules until a hazard is found, the seconds of search for as many, and the seconds in all, with
what is made small and told apart: seconds of the processor, so that a busy machine counts as an idle one. A hazard is a
guarantee and the way in which it breaks; where several break the same, also what it needs.
"""

import sys
import time
from collections import Counter
from pathlib import Path
from statistics import median

from queue_emulator.explore import schedule
from queue_emulator.explore.causes import causes
from queue_emulator.explore.explorer import Explorer
from queue_emulator.explore.guarantee import broken
from queue_emulator.explore.processes import collect_seldom
from queue_emulator.explore.scenarios import ODD_LIST, SCENARIOS
from queue_emulator.explore.search import schedules

FOLDER = Path(__file__).parents[2] / "fixtures" / "schedules"
ALL = (*SCENARIOS, ODD_LIST)
SECONDS_MAX = 30.0
RATED = ("daemons", "two-ends", "webhooks")
Sign = tuple[object, ...]


def hazards() -> dict[str, Sign]:
    """By name, what each recorded schedule breaks and needs."""
    found: dict[str, Sign] = {}
    for file in sorted(FOLDER.glob("*.schedule")):
        read = schedule.read(file.read_text(encoding="utf-8"), file.name)
        made = schedule.replay(read).world.made
        found[file.stem[:3]] = (read.target, causes(read.scenario, made, read.target))
    several = Counter(sign[0] for sign in found.values())
    return {name: sign if several[sign[0]] > 1 else sign[:1] for name, sign in found.items()}


def found_in(seed: int, wanted: dict[str, Sign]) -> dict[str, tuple[int, float]]:
    """For each hazard the number of the schedule, and seconds in all."""
    explorer, begun_s = Explorer(ALL, seed), time.process_time()
    found: dict[str, tuple[int, float]] = {}

    def enough() -> bool:
        return len(found) == len(wanted) or time.process_time() - begun_s > SECONDS_MAX

    for each in explorer.run(enough):
        for name, sign in wanted.items():
            if name not in found and sign == (each.target, each.causes)[: len(sign)]:
                found[name] = each.at_schedule, time.process_time() - begun_s
    return found


def searched_s(seed: int, numbers: list[int]) -> dict[int, float]:
    """Seconds until each of these schedules is run and looked at."""
    begun_s, seconds = time.process_time(), dict[int, float]()
    for number, world in enumerate(schedules(ALL, seed), 1):
        broken(world.history)
        if number in numbers:
            seconds[number] = time.process_time() - begun_s
        if number >= max(numbers):
            break
    return seconds


def rate() -> float:
    """Schedules a second where they are short, each looked at."""
    scenarios = [each for each in SCENARIOS if each.name in RATED]
    begun_s, count = time.process_time(), 0
    for world in schedules(scenarios, 0, swarm=False):
        broken(world.history)
        count += 1
        if time.process_time() - begun_s > 3:
            break
    return count / (time.process_time() - begun_s)


def main(seeds: int) -> None:
    collect_seldom()
    wanted = hazards()
    numbers: dict[str, list[int]] = {name: [] for name in wanted}
    search: dict[str, list[float]] = {name: [] for name in wanted}
    whole: dict[str, list[float]] = {name: [] for name in wanted}
    for seed in range(seeds):
        found = found_in(seed, wanted)
        seconds = searched_s(seed, [number for number, _ in found.values()])
        for name, (number, whole_s) in found.items():
            numbers[name].append(number)
            search[name].append(seconds[number])
            whole[name].append(whole_s)
        print(
            f"seed {seed}: {len(found)} of {len(wanted)}, search {max(seconds.values()):.1f} s, "
            f"in all {max(s for _, s in found.values()):.1f} s"
        )
    print(f"{rate():.0f} schedules a second: {', '.join(RATED)}\n")
    print("| hazard | found | schedules: median, worst | search, s | in all, s |\n|---|---|---|---|---|")
    for name in wanted:
        if not numbers[name]:
            print(f"| {name} | 0 of {seeds} | | | |")
            continue
        print(
            f"| {name} | {len(numbers[name])} of {seeds} | {median(numbers[name]):.0f}, {max(numbers[name])} | "
            f"{median(search[name]):.2f}, {max(search[name]):.2f} | {median(whole[name]):.1f}, {max(whole[name]):.1f} |"
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10)
