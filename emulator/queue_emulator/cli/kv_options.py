"""Options that say what KV is like and where it is kept: of every command that starts an emulator."""

import argparse
from pathlib import Path

from queue_emulator import settings
from queue_emulator.cli.parsing import lag, seconds
from queue_emulator.core.plans import PLANS
from queue_emulator.core.profiles import API_READS, PROFILES, SWITCHES, Profile, compose


def add_kv(parser: argparse.ArgumentParser) -> None:
    """What KV is like, and where it is kept."""
    add = parser.add_argument
    kept = parser.add_mutually_exclusive_group()
    kept.add_argument("--state", type=Path, metavar="FILE", help=f"SQLite file (default: {settings.DEFAULT_STATE})")
    kept.add_argument("--ephemeral", action="store_true", help="keep the data in memory only")
    add("--profile", choices=sorted(PROFILES), default="cloudflare", help="how faithful KV is (default: %(default)s)")
    add(
        "--location", metavar="CODE", action="append", default=[],
        help=f"name of a location, the first is the default; repeatable (default: {settings.DEFAULT_LOCATION})",
    )  # fmt: skip
    add("--plan", choices=sorted(PLANS), help="whose daily quotas hold (default: none)")
    add(
        "--without", choices=sorted(SWITCHES), action="append", default=[],
        help="switch off one of production's ways; repeatable",
    )  # fmt: skip
    add("--replication-lag", type=lag, default=(0, 0), metavar="MIN..MAX", help="seconds until others see a write")
    add("--tombstone-life", type=seconds, metavar="S", help="how long lists walk deleted keys (default: an hour)")
    add("--api-reads", choices=API_READS, default="central", help="where Cloudflare's API reads (default: %(default)s)")
    add("--random-seed", type=int, metavar="N", help="makes every draw repeatable")


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
