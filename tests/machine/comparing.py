"""What the emulator holds, read to the end through Cloudflare's API, and whether it is what its clients know."""

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import httpx

from tests.machine.account import CHAFF, TWINS, Account, Namespace, gone_for_good, mark_in
from tests.machine.choices import API, CONTROLS, NAMESPACES
from tests.machine.history import Finding, Mark, Read
from tests.machine.life import Life
from tests.machine.requests import Face


@dataclass(frozen=True, slots=True)
class Found:
    """A namespace as it was served. Keys that are not there are not in `keys`."""

    title: str
    keys: dict[str, Mark] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is not as it should be."""

    finding: Finding
    where: str
    found: str

    def __str__(self) -> str:
        return f"{self.finding.name.lower()}: {self.where}: {self.found} ({self.finding.value})"


async def read_all(life: Life) -> dict[str, Found]:
    """Every namespace by its id, with all its keys, while nobody writes."""
    rest = life.clients[Face.REST]
    found: dict[str, Found] = {}
    for each in (await _result(rest, "GET", "?per_page=1000"))["result"]:
        names = await _names(rest, each["id"])
        values: dict[str, str] = {}
        for first in range(0, len(names), 100):
            body = json.dumps({"keys": names[first : first + 100]})
            values |= (await _result(rest, "POST", f"/{each['id']}/bulk/get", body))["result"]["values"]
        found[each["id"]] = Found(each["title"], {name: mark_in(value) for name, value in values.items()})
    return found


async def control_disagrees(life: Life, cache: Found) -> list[Fault]:
    """The controls' own view of the namespace that they speak of must be the API's."""
    seen: dict[str, Mark] = {}
    cursor: str | None = ""
    while cursor is not None:
        answer = await life.clients[Face.CONTROL].get(f"{CONTROLS}/entries?limit=1000&cursor={quote(cursor)}")
        page = answer.raise_for_status().json()
        seen |= {each["key"]: mark_in(each["value"]) for each in page["entries"] if not each["key"].startswith(CHAFF)}
        cursor = page["cursor"]
    if seen == cache.keys:
        return []
    return [Fault(Finding.FOREIGN, "the controls' entries", f"{seen} are not the API's {cache.keys}")]


def served(account: Account, found: dict[str, Found], asked: int, ended: int) -> list[Fault]:
    """Note all of it as served, and judge it; nobody writes meanwhile."""
    faults = _of_namespaces(account, found)
    for id, seen in found.items():
        if (namespace := account.namespaces.get(id)) is None:
            continue
        namespace.title.read(Read(seen.title, asked, ended))
        for name in {*namespace.keys, *seen.keys}:
            mark = seen.keys.get(name)
            finding = namespace.key(name).read(Read(mark, asked, ended), *(account.sweeps if namespace.bound else ()))
            faults += _fault(finding, seen, name, mark)
    return faults + _torn(found)


def stored(account: Account, found: dict[str, Found]) -> list[Fault]:
    """Judge what a newly opened emulator holds, and begin all histories again with it."""
    faults = _of_namespaces(account, found)
    for id, seen in found.items():
        namespace = account.namespaces.setdefault(id, Namespace(id))  # its creation got no answer: nobody wrote to it
        for name in {*namespace.keys, *seen.keys}:
            mark = seen.keys.get(name)
            finding = namespace.key(name).judge(mark, *(account.sweeps if namespace.bound else ()))
            faults += _fault(finding, seen, name, mark)
            namespace.key(name).begin_again(mark)
        namespace.title.begin_again(seen.title)
    for id in set(account.namespaces) - set(found):
        del account.namespaces[id]
    account.sweeps.clear()
    account.untold.clear()
    return faults + _torn(found)


def _of_namespaces(account: Account, found: dict[str, Found]) -> list[Fault]:
    """Which are there, and their titles."""
    untold = {write.mark for each in account.untold for write in each.title.writes}
    faults = [
        Fault(Finding.FOREIGN, f"namespace {id}", f"titled {seen.title}")
        for id, seen in found.items()
        if id not in account.namespaces and seen.title not in untold
    ]
    for id, namespace in account.namespaces.items():
        title = found[id].title if id in found else None
        sweeps = [] if namespace.bound else account.sweeps
        finding = namespace.title.judge(title, *sweeps)
        if finding is None and title is not None and gone_for_good(namespace, sweeps):
            finding = Finding.LOST
        if finding is not None:
            faults.append(Fault(finding, f"namespace {id}", f"titled {title}" if title else "gone"))
    return faults


def _fault(finding: Finding | None, seen: Found, name: str, mark: Mark) -> list[Fault]:
    return [] if finding is None else [Fault(finding, f"{seen.title}, key {name}", str(mark))]


def _torn(found: dict[str, Found]) -> list[Fault]:
    halves = [(each.title, [each.keys.get(name) for name in TWINS]) for each in found.values()]
    return [Fault(Finding.TORN, title, str(marks)) for title, marks in halves if len(set(marks)) > 1]


async def _names(rest: httpx.AsyncClient, id: str) -> list[str]:
    names: list[str] = []
    cursor = ""
    while True:
        page = await _result(rest, "GET", f"/{id}/keys?limit=1000&cursor={quote(cursor)}")
        names += [each["name"] for each in page["result"]]
        cursor = page["result_info"]["cursor"]
        if not cursor:
            return [name for name in names if not name.startswith(CHAFF)]


async def _result(rest: httpx.AsyncClient, method: str, path: str, body: str = "") -> Any:
    answer = await rest.request(method, NAMESPACES + path, content=body, headers=dict(API))
    answer.raise_for_status()
    return answer.json()
