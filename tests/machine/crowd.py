"""Clients that all write at once, and now and then leave in the middle of a request."""

import asyncio
from dataclasses import dataclass, field

from tests.machine.choices import Situation, chaff, choose, choose_many, choose_one_of
from tests.machine.comparing import Fault
from tests.machine.life import Life
from tests.machine.requests import Request, Sent

_CLIENTS = 8
_VOLLEYS = 4
_LEAVES, _SENDS_HALF, _MAKES_CHAFF = 0.06, 0.04, 0.01


@dataclass(slots=True)
class Crowd:
    """Drives one life until it has sent what its plan says, or the emulator has ended."""

    life: Life
    now: Situation
    faults: list[Fault] = field(default_factory=list)
    _left: int = 0
    _leaving: set[asyncio.Event] = field(default_factory=set)
    _ending: bool = False

    async def run(self) -> None:
        """Returns when every request is answered, or broken off by the end that the plan has for the emulator."""
        self._left = self.life.plan.requests
        await asyncio.gather(*(self._client() for _ in range(_CLIENTS)))

    async def volleys(self) -> None:
        """Each a write of many keys, and writes of one or another of these in the same moment; nothing follows."""
        faces = self.life.plan.faces
        for _ in range(_VOLLEYS):
            many = choose_many(self.now)
            beside = [choose_one_of(many, self.now, faces) for _ in range(_CLIENTS - 1)]
            await asyncio.gather(*map(self._send, (many, *beside)))

    async def _client(self) -> None:
        chance = self.now.chance
        while self._left > 0:
            self._left -= 1
            if not self.life.plan.settled and self._left == 0:
                self.life.end()  # while the others' requests are under way
                self._ending = True
            if chance.random() < _MAKES_CHAFF:
                for request in chaff(self.now.cache):
                    await self._send(request)
                continue
            request = choose(self.now, self.life.plan.faces)
            if request.content and request.writes and request.face.over_http and chance.random() < _SENDS_HALF:
                await self.life.send_half(Sent.begin(self.now.account, request))
            elif chance.random() < _LEAVES:
                await self._leave(request)
            else:
                await self._send(request)
                self._someone_leaves()

    async def _send(self, request: Request) -> None:
        finding = await self.life.send(Sent.begin(self.now.account, request))
        if finding is not None:
            self.faults.append(Fault(finding, f"served by {request.face.value}", f"{request.method} {request.path}"))

    async def _leave(self, request: Request) -> None:
        """A request that is given up at the next opportunity."""
        leaving = asyncio.Event()
        self._leaving.add(leaving)
        try:
            await self.life.give_up(Sent.begin(self.now.account, request), leaving)
        finally:
            self._leaving.discard(leaving)

    def _someone_leaves(self) -> None:
        """An answer has come to somebody: at such a moment another may leave."""
        for leaving in self._leaving:
            if self.now.chance.random() < 0.5:
                leaving.set()
