"""/cdn-cgi/emulator/: time, faults, the journal of KV operations, and what the traffic costs."""

from dataclasses import replace
from typing import Annotated, Literal, cast

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from queue_emulator.core.clock import parse_iso_8601
from queue_emulator.core.faults import rule_from_json, rule_to_json
from queue_emulator.core.javascript import ToJson
from queue_emulator.core.plans import cost
from queue_emulator.core.wire_names import API_LOCATION
from queue_emulator.web.actions import ControlError, as_shape, check_query, read_object, routes, whole_number
from queue_emulator.web.deployment import Deployment

_JOURNAL_LIMIT = 10_000


class _Move(msgspec.Struct, forbid_unknown_fields=True):
    set: Annotated[
        int | str | None,
        msgspec.Meta(description="ISO 8601, such as 2026-11-23T17:00:00Z, or milliseconds since 1970"),
    ] = None
    advance_s: Annotated[float, msgspec.Meta(description='a number of seconds, as in {"advance_s": 60}')] = 0
    freeze: bool | None = None
    to: Literal["next expiry"] | None = None


class Laboratory:
    """Time, faults, journal and cost of one deployment."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment

    def routes(self) -> list[Route]:
        return routes(
            (
                ("GET", "/clock", self.show_clock),
                ("POST", "/clock", self.move_clock),
                ("GET", "/faults", self.show_faults),
                ("POST", "/faults", self.add_fault),
                ("DELETE", "/faults", self.remove_faults),
                ("DELETE", "/faults/{id}", self.remove_fault),
                ("GET", "/journal", self.journal),
                ("GET", "/cost", self.cost),
            )
        )

    async def show_clock(self, request: Request) -> ToJson:
        return self._deployment.time()

    async def move_clock(self, request: Request) -> ToJson:
        """`set` to a time, then `advance_s` seconds, then `freeze` or go on: every expiry and timestamp follows.

        With `to` instead of `set` to the moment in which the next key expires.
        """
        body = await read_object(request)
        if not body:
            raise ControlError(400, f"the clock takes {', '.join(_Move.__struct_fields__)}")
        asked = as_shape(body, _Move)
        if asked.to is not None and asked.set is not None:
            raise ControlError(400, f"to must be {asked.to!r}, without set")
        set_ms = parse_iso_8601(asked.set) if isinstance(asked.set, str) else asked.set
        if asked.to is not None:
            set_ms = await self._next_expiry_ms()
        self._deployment.move_clock(set_ms=set_ms, advance_ms=_ms(asked.advance_s), freeze=asked.freeze)
        return self._deployment.time()

    async def _next_expiry_ms(self) -> int:
        self._deployment.emulated("the clock cannot be moved")
        ends = [await service.next_expiry_s() for service in self._deployment.services()]
        next_s = min((end for end in ends if end is not None), default=None)
        if next_s is None:
            raise ControlError(409, "no key expires")
        return next_s * 1000

    async def show_faults(self, request: Request) -> ToJson:
        """The rules in the order in which they are asked, with how often each matched and gave its verdict."""
        return {
            "rules": [
                {**rule_to_json(rule), "matched": matched, "given": given}
                for rule, matched, given in self._deployment.service.faults.rules()
            ]
        }

    async def add_fault(self, request: Request) -> ToJson:
        """Append a rule; answers it with its id."""
        rule = rule_from_json(await read_object(request))
        locations = self._deployment.locations
        for location, known in ((rule.location, (*locations, API_LOCATION)), (rule.verdict.location, locations)):
            if location is not None and location not in known:
                raise ControlError(400, f"unknown location {location!r}; this emulator has {', '.join(known)}")
        if rule.namespace is not None:
            rule = replace(rule, namespace=self._deployment.namespace(rule.namespace))
        if rule.verdict.effect.keeps_away:
            self._deployment.emulated("drop_replication works only with the emulated KV")
        return rule_to_json(self._deployment.service.faults.add(rule))

    async def remove_faults(self, request: Request) -> ToJson:
        self._deployment.service.faults.clear()
        return {"rules": []}

    async def remove_fault(self, request: Request) -> ToJson:
        given = request.path_params["id"]
        faults = self._deployment.service.faults
        if given not in {str(rule.id) for rule, _, _ in faults.rules()}:
            raise ControlError(404, f"no fault rule has the id {given[:40]!r}")
        faults.remove(int(given))
        return {"removed": int(given)}

    async def journal(self, request: Request) -> Response:
        """Events after a position, as NDJSON; the headers say what is held, so that a gap can be seen."""
        check_query(request, "after", "limit")
        journal = self._deployment.service.journal
        limit = min(whole_number(request, "limit", _JOURNAL_LIMIT), _JOURNAL_LIMIT)
        events = list(journal.after(whole_number(request, "after", 0), limit))
        headers = {
            "X-Journal-First": str(journal.first_position),
            "X-Journal-Last": str(journal.last_position),
        }
        content = "".join(event.to_json_line() + "\n" for event in events)
        return Response(content, headers=headers, media_type="application/x-ndjson")

    async def cost(self, request: Request) -> ToJson:
        """Operations by route, and what a day and a month of such traffic cost; `over_s` is the time it stands for."""
        check_query(request, "over_s")
        traffic = self._deployment.service.meter.traffic(whole_number(request, "over_s", 0))
        over_s = traffic["over_s"]
        told = {**traffic, "estimate": cost(traffic["operations"], over_s) if over_s >= 1 else None}
        return cast(ToJson, told)  # to a type checker, no TypedDict is a Mapping of JSON


def _ms(seconds: float) -> int:
    return round(max(-1e12, min(seconds, 1e12)) * 1000)
