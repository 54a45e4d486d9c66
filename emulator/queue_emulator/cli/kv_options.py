"""Options that say what KV is like and where it is kept: of every command that starts an emulator."""

import argparse
from pathlib import Path

from queue_emulator import settings
from queue_emulator.cli.parsing import lag, seconds
from queue_emulator.core.plans import PLANS
from queue_emulator.core.profiles import API_READS, PROFILES, SWITCHES, Profile, compose


def add_kv(parser: argparse.ArgumentParser) -> None:
    """Where KV is kept, and what it is like."""
    _add_kept(parser.add_argument_group("where KV is kept").add_mutually_exclusive_group())
    _add_behaviour(parser.add_argument_group("what KV is like"))
    parser.add_argument("--random-seed", type=int, metavar="N", help="the same number gives the same random choices")


def _add_kept(kept: argparse._MutuallyExclusiveGroup) -> None:
    kept.add_argument(
        "--state",
        type=Path,
        metavar="FILE",
        help=f"SQLite file that keeps the data (default: {settings.DEFAULT_STATE})",
    )
    kept.add_argument("--ephemeral", action="store_true", help="keep the data in memory; it is lost at the end")


def _add_behaviour(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add(
        "--profile",
        choices=sorted(PROFILES),
        default="cloudflare",
        help="cloudflare: as production; local: strongly consistent, no limits (default: %(default)s)",
    )
    add(
        "--location", metavar="CODE", action="append", default=[],
        help="add a location by airport code; the first is the default; repeatable "
        f"(default: {settings.DEFAULT_LOCATION})",
    )  # fmt: skip
    add("--plan", choices=sorted(PLANS), help="apply the daily quotas of this plan (default: no quotas)")
    add(
        "--without", choices=sorted(SWITCHES), action="append", default=[],
        help="switch off one production behaviour; repeatable",
    )  # fmt: skip
    add(
        "--replication-lag",
        type=lag,
        default=(0, 0),
        metavar="MIN..MAX",
        help="seconds until other locations can see a write (default: 0..0)",
    )
    add(
        "--tombstone-life",
        type=seconds,
        metavar="S",
        help="seconds for which deleted keys still count for the pages of a list (default: 3600)",
    )
    add(
        "--api-reads",
        choices=API_READS,
        default="central",
        help="where Cloudflare's API reads: the central store, or its own cache (default: %(default)s)",
    )


def add_ready_file(parser: argparse.ArgumentParser) -> None:
    """`--ready-file`."""
    parser.add_argument(
        "--ready-file", type=Path, metavar="FILE",
        help="write this file, one line of JSON with the URL, as soon as requests are answered; deleted at the end",
    )  # fmt: skip


def state_of(parsed: argparse.Namespace) -> Path | None:
    """The state file; None keeps the data in memory."""
    return None if parsed.ephemeral else parsed.state or settings.DEFAULT_STATE


def profile_of(parsed: argparse.Namespace) -> Profile:
    """All that the options say of KV."""
    return compose(
        parsed.profile,
        without=parsed.without,
        plan=parsed.plan,
        lag_ms=parsed.replication_lag,
        tombstone_life_ms=parsed.tombstone_life,
        api_reads=parsed.api_reads,
    )
