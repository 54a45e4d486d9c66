"""The namespaces that a tool's Workers are bound to: each made when it is first named, and seeded before it is read."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import unquote

from queue_emulator.core.errors import SettingsError
from queue_emulator.core.options import PutRequest
from queue_emulator.kv.service import KVService
from queue_emulator.run.reports import BoundNamespace
from queue_emulator.workerd.config import NAMESPACE_HEADER

ANY_BINDING = ""
PREFERRED = "CACHE"

Bind = Callable[[str, str], Awaitable[KVService]]
"""The namespace of an id, bound by a name; it comes to be if there is none."""


@dataclass(frozen=True, slots=True)
class Seed:
    """Data for the namespace of a binding; ANY_BINDING is that of CACHE, else of the only one."""

    binding: str
    shown: str
    requests: Sequence[PutRequest]


class Lending:
    """`location` is where seeds are written."""

    def __init__(self, bind: Bind, seeds: Sequence[Seed], location: str) -> None:
        self._bind = bind
        self._seeds = list(seeds)
        self._location = location
        self._turn = asyncio.Lock()
        self._services: dict[str, KVService] = {}
        self.bound: dict[BoundNamespace, KVService] = {}

    async def find(self, headers: Mapping[str, str]) -> KVService | None:
        """The namespace that a request of the runtime's names; it was reported before its Worker was started."""
        async with self._turn:
            return self._services.get(unquote(headers.get(NAMESPACE_HEADER, "")))

    async def lend(self, places: Sequence[BoundNamespace]) -> None:
        """A Worker with these bindings is about to start: have all of its namespaces, with what is to be in them.

        Raises SettingsError for a seed of which it is not clear whose it is.
        """
        async with self._turn:
            for place in places:
                if place.namespace not in self._services:
                    self._services[place.namespace] = await self._bind(place.namespace, place.binding)
                self.bound[place] = self._services[place.namespace]
            for seed in self._due(places):
                self._seeds.remove(seed)
                service = next(self.bound[each] for each in places if each.binding == _binding_of(seed, places))
                await service.load(self._location, seed.requests, in_steps=True)

    async def lend_again(self) -> None:
        """The namespaces are other ones now, by the same ids."""
        async with self._turn:
            places, self._services = list(self.bound), {}
            for place in places:
                if place.namespace not in self._services:
                    self._services[place.namespace] = await self._bind(place.namespace, place.binding)
                self.bound[place] = self._services[place.namespace]

    def _due(self, places: Sequence[BoundNamespace]) -> list[Seed]:
        names = [each.binding for each in places]
        return [seed for seed in self._seeds if names and _binding_of(seed, places) in names]


def _binding_of(seed: Seed, places: Sequence[BoundNamespace]) -> str:
    if seed.binding != ANY_BINDING:
        return seed.binding
    names = [each.binding for each in places]
    if PREFERRED in names or len(names) == 1:
        return PREFERRED if PREFERRED in names else names[0]
    raise SettingsError(
        f"--seed {seed.shown}: name a binding, as in --seed {names[0]}={seed.shown}; known: {', '.join(names)}"
    )
