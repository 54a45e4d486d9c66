"""How fast `explore` is, and how soon it finds each recorded hazard: python -m tests.bench.exploring [SEEDS] [PART …]

Parts, all of them if none is named, each with a table of its own:

hazards  for each seed the seconds of search until all recorded hazards are found, and the seconds in all, with what is
         made small, told apart, written and drawn
processes  the same in all, as the command does it, by the clock on the wall: in one process, and in two
rates    schedules a second, in one process and in two
swarm    the seconds until drawn schedules alone, told nothing, have shown H1 to H15, on five seeds
memory   of one process after 10,000, 50,000 and 100,000 schedules

Seconds are those of the processor, so that a busy machine counts nearly as an idle one. A hazard is a guarantee and the
way in which it breaks; where several break the same, also what it needs.
"""

import multiprocessing
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from queue_emulator.explore import files, schedule
from queue_emulator.explore.causes import causes
from queue_emulator.explore.explorer import Explorer
from queue_emulator.explore.guarantee import broken
from queue_emulator.explore.processes import search
from queue_emulator.explore.scenarios import ODD_LIST, SCENARIOS, Scenario, as_it_is
from queue_emulator.explore.search import LANES, schedules
from queue_emulator.explore.searching import Search, collect_seldom
from queue_emulator.explore.shares import together

FOLDER = Path(__file__).parents[2] / "fixtures" / "schedules"
ALL = (*SCENARIOS, ODD_LIST)
SECONDS_MAX = 120.0
SWARM_SEEDS = 5
BY_ODD_LIST = {"h16"}
BY_SWARM = {f"h{number:02}" for number in range(1, 16)}
RATED = ("daemons", "two-ends", "webhooks")
RATED_SCHEDULES = 3_000
REMEMBERED_AT = (10_000, 50_000, 100_000)
Sign = tuple[object, ...]


def hazards() -> dict[str, Sign]:
    """By name, what each recorded schedule breaks and needs."""
    found: dict[str, Sign] = {}
    for file in sorted(FOLDER.glob("*.schedule")):
        read = schedule.read(file.read_text(encoding="utf-8"), file.name)
        found[file.stem[:3]] = (read.target, causes(schedule.replay(read).world, read.target))
    several = Counter(sign[0] for sign in found.values())
    return {name: sign if several[sign[0]] > 1 else sign[:1] for name, sign in found.items()}


def found_in(scenarios: Sequence[Scenario], seed: int, wanted: dict[str, Sign]) -> dict[str, tuple[int, float]]:
    """For each hazard the number of the schedule, and seconds in all, with its files."""
    explorer, begun_s = Explorer(scenarios, seed), time.process_time()
    found: dict[str, tuple[int, float]] = {}

    def enough() -> bool:
        return len(found) == len(wanted) or time.process_time() - begun_s > SECONDS_MAX

    with TemporaryDirectory() as folder:
        for number, each in enumerate(explorer.run(enough)):
            files.write(Path(folder), f"{number}", each, "again")
            for name, sign in wanted.items():
                if name not in found and sign == (each.target, each.causes)[: len(sign)]:
                    found[name] = each.at_schedule, time.process_time() - begun_s
    return found


def searched_s(seed: int, numbers: Iterable[int]) -> dict[int, float]:
    """Seconds until each of these schedules is run and looked at."""
    begun_s, seconds, last = time.process_time(), dict[int, float](), max(numbers)
    for number, world in enumerate(islice(schedules(ALL, seed), last), 1):
        broken(world.history)
        seconds[number] = time.process_time() - begun_s
    return seconds


def rate(number: int = 0) -> float:
    """Schedules a second where they are short, each looked at."""
    collect_seldom()
    scenarios = [each for each in SCENARIOS if each.name in RATED]
    return _rate(scenarios, number)


def _rate(scenarios: list[Scenario], seed: int) -> float:
    begun_s = time.process_time()
    for world in islice(schedules(scenarios, seed, swarm=False), RATED_SCHEDULES):
        broken(world.history)
    return RATED_SCHEDULES / (time.process_time() - begun_s)


def memory() -> None:
    """A row after so many schedules: the most MB that a process has had, for what it gives back does not count."""
    collect_seldom()
    print("| schedules | MB |\n|---|---|")
    for number, world in enumerate(schedules(ALL, 0), 1):
        broken(world.history)
        if number in REMEMBERED_AT:
            print(f"| {number:,} | {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} |", flush=True)
        if number >= max(REMEMBERED_AT):
            return


def tell_hazards(seeds: int) -> None:
    wanted = hazards()
    numbers: dict[str, list[int]] = {name: [] for name in wanted}
    search: dict[str, list[float]] = {name: [] for name in wanted}
    whole: dict[str, list[float]] = {name: [] for name in wanted}
    print("| seed | found | schedules | search, s | in all, s |\n|---|---|---|---|---|")
    last: list[tuple[float, float]] = []
    for seed in range(seeds):
        found = found_in(ALL, seed, wanted)
        seconds = searched_s(seed, [number for number, _ in found.values()])
        for name, (number, whole_s) in found.items():
            numbers[name].append(number)
            search[name].append(seconds[number])
            whole[name].append(whole_s)
        at = max(number for number, _ in found.values())
        last.append((seconds[at], max(s for _, s in found.values())))
        print(f"| {seed} | {len(found)} of {len(wanted)} | {at} | {last[-1][0]:.2f} | {last[-1][1]:.1f} |", flush=True)
    print(
        f"| median, worst | | | {median(s for s, _ in last):.2f}, {max(s for s, _ in last):.2f} | "
        f"{median(s for _, s in last):.1f}, {max(s for _, s in last):.1f} |\n"
    )
    print("| hazard | found | schedules: median, worst | search, s | in all, s |\n|---|---|---|---|---|")
    for name in wanted:
        if not numbers[name]:
            print(f"| {name} | 0 of {seeds} | | | |")
            continue
        print(
            f"| {name} | {len(numbers[name])} of {seeds} | {median(numbers[name]):.0f}, {max(numbers[name])} | "
            f"{median(search[name]):.2f}, {max(search[name]):.2f} | {median(whole[name]):.1f}, {max(whole[name]):.1f} |"
        )


def tell_processes(seeds: int) -> None:
    """Of the built-in scenarios and drawn ones, which is what the command searches."""
    wanted = {name: sign for name, sign in hazards().items() if name not in BY_ODD_LIST}
    print("| seed | found | schedules | one process, s | two processes, s |\n|---|---|---|---|---|")
    for seed in range(seeds):
        found = found_in(SCENARIOS, seed, wanted)
        schedules = max(number for number, _ in found.values())
        asked = Search((), seed, range(LANES), 0, schedules)
        seconds = [_wall_s(asked, workers) for workers in (1, 2)]
        print(
            f"| {seed} | {len(found)} of {len(wanted)} | {schedules} | {seconds[0]:.1f} | {seconds[1]:.1f} |",
            flush=True,
        )


def _wall_s(asked: Search, workers: int) -> float:
    """From the start of the processes until the last picture is drawn."""
    begun_s = time.perf_counter()
    share = search(asked, workers, lambda progress: None).share
    with TemporaryDirectory() as folder:
        for number, each in enumerate(together([share], as_it_is, {}).findings):
            files.write(Path(folder), f"{number}", each, "again")
    return time.perf_counter() - begun_s


def tell_rates(seeds: int) -> None:
    print("| schedules a second | one process | two processes |\n|---|---|---|")
    for each in SCENARIOS:
        if each.name in RATED:
            print(f"| {each.name} | {_rate([each], 0):.0f} | |")
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        both = sum(pool.map(rate, (0, 1), chunksize=1))
    print(f"| all three | {rate():.0f} | {both:.0f} |")


def tell_swarm(seeds: int) -> None:
    wanted = {name: sign for name, sign in hazards().items() if name in BY_SWARM}
    print("| seed | found by drawn schedules alone | schedules | in all, s | the last |\n|---|---|---|---|---|")
    for seed in range(SWARM_SEEDS):
        found = found_in((ODD_LIST,), seed, wanted)  # a search that is over after two schedules
        last = max(found, key=lambda name: found[name][1])
        print(
            f"| {seed} | {len(found)} of {len(wanted)} | {found[last][0]} | {found[last][1]:.1f} | {last} |", flush=True
        )


def tell_memory(seeds: int) -> None:
    process = multiprocessing.get_context("spawn").Process(target=memory)
    process.start()
    process.join()


PARTS: dict[str, Callable[[int], None]] = {
    "hazards": tell_hazards,
    "processes": tell_processes,
    "rates": tell_rates,
    "swarm": tell_swarm,
    "memory": tell_memory,
}


def main(arguments: list[str]) -> None:
    collect_seldom()
    seeds = int(arguments[0]) if arguments else 10
    for name in arguments[1:] or PARTS:
        print(f"\n## {name}\n")
        PARTS[name](seeds)


if __name__ == "__main__":
    main(sys.argv[1:])
