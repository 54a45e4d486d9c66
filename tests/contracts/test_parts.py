"""Which parts a Worker lacks, and in which format it keeps its queue, is found out before the first check."""

import re
from collections import Counter
from collections.abc import Collection

import httpx
import pytest

from queue_contracts.described.operations import packaged_description
from queue_contracts.profiles import Profile
from queue_contracts.report.parts import Expected, LeftOut, left_out
from queue_contracts.sending.parts import REQUESTS_MAX, Parts, find_parts
from queue_contracts.targets.formats import Format
from queue_contracts.targets.target import LOCAL, Ability, Target
from queue_emulator.core.profiles import CLOUDFLARE
from queue_emulator.core.profiles import LOCAL as STRONG
from queue_emulator.core.profiles import Profile as EmulatedProfile
from queue_emulator.testing import KEYS, Emulator, Version

OPERATIONS = packaged_description().operations
TAGS = sorted({each.tag for each in OPERATIONS.values()})


class Cut(httpx.BaseTransport):
    """An emulator in this process, without some operations; `says` is what is answered in their place."""

    def __init__(self, emulator: Emulator, without: Collection[str] = (), says: int = 404) -> None:
        self.emulator, self.without, self.says = emulator, without, says
        self.asked: list[str] = []
        self.answered: list[tuple[str, int]] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        path = request.url.raw_path.decode()
        self.asked.append(f"{request.method} {path}")
        operation = packaged_description().find(request.method, path)
        if operation is not None and operation.id in self.without:
            return httpx.Response(self.says, text="Not found")
        here = self.emulator.at("SJC")
        headers = {name: value for name, value in request.headers.items() if name in ("x-api-key", "content-type")}
        reply = here.request(request.method, path, content=request.read(), key=None, headers=headers)
        self.answered.append((self.asked[-1], reply.status))
        return httpx.Response(reply.status, headers=dict(reply.headers), content=reply.content)


def target(*lacking: Ability, admin: bool = True) -> Target:
    keys = KEYS.queue_api_key or "", (KEYS.admin_api_key or "") if admin else ""
    return Target("http://127.0.0.1:80", *keys, LOCAL - set(lacking))


def found(worker: Cut, profile: Profile = Profile.DISPOSABLE, of: Target | None = None) -> Parts:
    with httpx.Client(transport=worker) as http:
        return find_parts(of or target(), http, profile, "ct-")


@pytest.mark.parametrize("says", [404, 405])
@pytest.mark.parametrize("lacking", OPERATIONS)
def test_an_operation_that_is_not_there_is_found_missing_and_no_other(lacking: str, says: int) -> None:
    assert found(Cut(Emulator(profile=STRONG), [lacking], says)).missing == {lacking}


@pytest.mark.parametrize("tag", TAGS)
def test_a_group_of_routes_that_is_not_there_is_found_missing_as_a_whole(tag: str) -> None:
    group = packaged_description().named(tag)
    assert found(Cut(Emulator(profile=STRONG), group)).missing == group


VERSIONS: list[Version] = ["new", "old", "dual"]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("profile", [STRONG, CLOUDFLARE], ids=["at once", "late"])
def test_the_format_of_a_worker_is_found_by_what_it_lists(version: Version, profile: EmulatedProfile) -> None:
    worker = Cut(Emulator(profile=profile, worker_version=version))
    worker.emulator.get("/api/queue")  # a location that keeps an empty list
    lacking = () if profile is STRONG else (Ability.AT_ONCE,)
    parts = found(worker, of=target(*lacking))
    assert parts.format is Format(version)
    assert parts.missing == (packaged_description().named("migration") if version == "old" else frozenset())


def test_finding_out_leaves_nothing_behind_and_runs_no_migration() -> None:
    worker = Cut(Emulator(profile=STRONG))
    found(worker)
    assert not worker.emulator.at("SJC").kv.list().keys
    posted = {asked: status for asked, status in worker.answered if asked.startswith("POST /api/")}
    assert set(posted.values()) == {400, 401, 404}, "each was refused, so that nothing was done"
    assert len([each for each in worker.asked if "/cdn-cgi/" not in each]) <= REQUESTS_MAX


@pytest.mark.parametrize(
    ("profile", "asked"),
    [
        (Profile.OBSERVE, "GET /api/migrate/status"),
        (Profile.ISOLATED, r"GET /api/migrate/status|POST /api/(queue|result)/ct-probe(/\w+)?"),
    ],
)
def test_a_queue_that_others_use_is_asked_only_what_its_profile_allows(profile: Profile, asked: str) -> None:
    worker = Cut(Emulator(profile=STRONG), ["getMigrationStatus", "rollbackMigration"])
    assert found(worker, profile).missing == {"getMigrationStatus"}
    assert all(re.fullmatch(asked, each) for each in worker.asked)


def test_without_the_key_of_the_operator_nothing_is_said_of_its_routes() -> None:
    worker = Cut(Emulator(profile=STRONG), packaged_description().named("migration"))
    assert found(worker, of=target(admin=False)).missing == frozenset()
    assert not [each for each in worker.asked if "migrate" in each]


def said(parts: Parts, expected: Expected | None = None, **checks: int) -> LeftOut:
    labels = {OPERATIONS[name].label if name in OPERATIONS else name: times for name, times in checks.items()}
    return left_out(parts, expected or Expected(), Counter(labels))


def test_a_missing_part_is_one_line_with_what_was_left_out_for_it() -> None:
    lines = said(Parts(frozenset({"rollbackMigration"})), rollbackMigration=37)
    assert lines.findings == [
        "the Worker has no POST /api/migrate/rollback: 37 checks are left out; "
        "if this is intended, add --without rollbackMigration"
    ]
    whole = said(Parts(packaged_description().named("migration")), runMigration=3, getMigrationStatus=40)
    assert whole.findings == [
        "the Worker has no GET /api/migrate/status, POST /api/migrate/run, POST /api/migrate/rollback: "
        "43 checks are left out; if this is intended, add --without migration"
    ]


def test_a_part_that_was_said_to_be_missing_is_no_finding_and_one_that_is_there_is_told() -> None:
    without = packaged_description().named("migration") | {"postResult"}
    lines = said(Parts(packaged_description().named("migration")), Expected(without), runMigration=1)
    assert lines.findings == []
    assert lines.notes == [
        "the Worker has no GET /api/migrate/status, POST /api/migrate/run, POST /api/migrate/rollback: "
        "1 check is left out",
        "postResult was checked: the Worker has it, though --without names it",
    ]


def test_a_worker_of_the_old_format_is_one_line_and_its_missing_migration_no_other() -> None:
    old = Parts(packaged_description().named("migration"), Format.OLD)
    found = said(old, runMigration=60, format=7)
    assert found == LeftOut(
        ["the Worker keeps its queue in the old format: 67 checks are left out; if this is intended, add --format old"],
        [],
    )
    meant = said(old, Expected(format="old"), runMigration=60, format=7)
    assert meant == LeftOut([], ["the Worker keeps its queue in the old format: 67 checks are left out"])
