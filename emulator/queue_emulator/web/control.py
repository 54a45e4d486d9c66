"""/cdn-cgi/emulator/: what runs and what it holds, under a prefix that no Worker can own."""

from functools import partial
from typing import Annotated, Literal, cast

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from queue_emulator.core import limits
from queue_emulator.core.bulk import BulkData, bulk_entry, parse_bulk
from queue_emulator.core.javascript import ToJson, utf8
from queue_emulator.core.json_rewriting import Members
from queue_emulator.core.json_text import JsonText
from queue_emulator.core.options import ListRequest
from queue_emulator.core.wire_names import INVOCATION
from queue_emulator.kv.service import KVService
from queue_emulator.kv.waiting import off_loop
from queue_emulator.web.actions import (
    ControlError,
    as_shape,
    check_query,
    location_of,
    members_of,
    read_body,
    read_members,
    routes,
    whole_number,
)
from queue_emulator.web.deployment import Deployment
from queue_emulator.worker.answers import stringified
from queue_emulator.worker.commhub import CommHub
from queue_emulator.worker.dual import queue_format
from queue_emulator.worker.fetch import ID_BYTES_MAX
from queue_emulator.worker.versions import WorkerVersion


class _Task(msgspec.Struct):
    """What is checked of a task, which may have any other members."""

    id: Annotated[str, msgspec.Meta(description=f"a string of 1 to {ID_BYTES_MAX} bytes")] = "made"
    type: Literal["task", "query", "approval", "notification"] = "task"
    priority: Literal["low", "medium", "high", "critical"] = "medium"
    metadata: dict[str, object] = {}


class _Enqueue(msgspec.Struct, forbid_unknown_fields=True):
    format: Literal["new", "old"] = "new"
    task: dict[str, object] = {}


class Control:
    """The data of one deployment: status, reset, seed, enqueue and entries."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment

    def routes(self) -> list[Route]:
        return routes(
            (
                ("GET", "/status", self.status),
                ("POST", "/reset", self.reset),
                ("POST", "/seed", self.seed),
                ("POST", "/enqueue", self.enqueue),
                ("GET", "/entries", self.entries),
            )
        )

    async def status(self, request: Request) -> ToJson:
        """What runs here: profile, locations, Worker version, time, and how many keys live in KV, if it is emulated."""
        deployment = self._deployment
        service = deployment.service
        return {
            "kv": "emulated" if isinstance(service, KVService) else service.where,
            "profile": service.profile.name,
            "locations": list(deployment.locations),
            **deployment.versions(),
            "keys": await service.count() if isinstance(service, KVService) else None,
            "clock": deployment.time(),
        }

    async def reset(self, request: Request) -> ToJson:
        """Forget all data, faults and counts, and show the machine's time again."""
        await self._deployment.reset()
        return {"keys": 0, "clock": self._deployment.time()}

    async def seed(self, request: Request) -> ToJson:
        """Write a bulk-put array, all or nothing, at the location that the request names."""
        location = location_of(request, self._deployment)
        data = await self._data(request)
        epoch = request.scope[INVOCATION].epoch
        await self._deployment.service.load(location, data.requests, in_steps=True, epoch=epoch)
        return {"written": len(data.requests), "ignoredFields": data.unknown_fields}

    async def _data(self, request: Request) -> BulkData:
        """What the body says, which nobody has in memory after that."""
        content = await read_body(request)
        parse = partial(parse_bulk, entries_max=limits.SEED_ENTRIES_MAX)
        return await off_loop(len(content), partial(parse, content, self._deployment.clock.now_ms()))

    async def enqueue(self, request: Request) -> Response:
        """A task through CommHub, as a webhook would bring it: `{"format": "new"|"old", "task": {…}}`."""
        location = location_of(request, self._deployment)
        asked, given = await self._asked(request)
        task = self._task(given)
        binding = self._deployment.binding(location, request.scope[INVOCATION])
        binding.runs("CommHub.sendViaKVQueue")
        hub = CommHub(queue_format(WorkerVersion(asked.format), binding), self._deployment.clock)
        content = await stringified({"format": asked.format, "task": await hub.send(task)})
        return Response(content, media_type="application/json")

    async def _asked(self, request: Request) -> tuple[_Enqueue, Members]:
        """What is asked for, and the task's members, of which large ones stay text, as they do in the Worker."""
        members = await read_members(request)
        task = members.get("task")
        asked = as_shape({**members, **_unread(members, "task")}, _Enqueue)
        return asked, await members_of(task.content) if isinstance(task, JsonText) else cast(Members, asked.task)

    def _task(self, given: Members) -> dict[str, ToJson]:
        """The request that CommHub is sent: what was given, with defaults for what every task has."""
        named = {each: given[each] for each in _Task.__struct_fields__ if each in given}
        checked = as_shape({**named, **_unread(named, "metadata")}, _Task, place="task")
        if not 0 < len(checked.id.encode("utf-8", "replace")) <= ID_BYTES_MAX:
            raise ControlError(400, f"task.id must be a string of 1 to {ID_BYTES_MAX} bytes")
        now_ms = self._deployment.clock.now_ms()
        self._deployment.requests += 1
        return {
            "id": f"task-{self._deployment.dice.bits(48, 'task', now_ms, self._deployment.requests):012x}",
            "type": "task",
            "source": "emulator",
            "content": "",
            "priority": "medium",
            "metadata": {},
            **given,
        }

    async def entries(self, request: Request) -> ToJson:
        """A page of what the central store holds, as for a bulk put: `?prefix=P&cursor=C&limit=N`, all optional."""
        check_query(request, "prefix", "cursor", "limit")
        limit = whole_number(request, "limit", limits.LIST_LIMIT_DEFAULT)
        if not 1 <= limit <= limits.LIST_LIMIT_MAX:
            raise ControlError(400, f"limit must be 1 to {limits.LIST_LIMIT_MAX}, not {limit}")
        prefix, cursor = (request.query_params.get(name, "") for name in ("prefix", "cursor"))
        service = self._deployment.emulated(
            "the data of a real namespace is not read here: use the endpoint cloudflare:NAMESPACE_ID"
        )
        entries, following = await service.entries(ListRequest(utf8(prefix), limit, cursor))
        return {"entries": [bulk_entry(entry) for entry in entries], "cursor": following}


def _unread(members: Members, name: str) -> Members:
    """An empty object for one that stayed text: its members are not checked with the others."""
    member = members.get(name)
    return {name: {}} if isinstance(member, JsonText) and member.is_object else {}
