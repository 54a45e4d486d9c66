"""The namespaces of the one account: each with a service of its own, which is opened when it is first asked for."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from typing import Protocol, TypeVar

from queue_emulator.core.accounts import Namespace, find_namespace, namespace_of
from queue_emulator.core.dice import Dice
from queue_emulator.core.errors import NamespaceError
from queue_emulator.core.limits import NAMESPACES_MAX
from queue_emulator.kv.service import KVService
from queue_emulator.kv.store import MemoryStore, Store
from queue_emulator.kv.waiting import in_event_loop

OpenService = Callable[[Store, str], KVService]
"""Makes the service of a namespace from its store and its name."""
Result = TypeVar("Result")


class Catalogue(Protocol):
    """Where it is kept which namespaces there are, and what is in them."""

    async def namespaces(self) -> Sequence[Namespace]:
        """All of them, in any order."""
        ...

    async def keep(self, namespace: Namespace) -> None:
        """Add one, or replace the one of the same name."""
        ...

    async def remove(self, name: str) -> None:
        """Drop one with all its entries, or nothing."""
        ...

    def store(self, name: str) -> Store:
        """The entries of one; closing the catalogue closes it."""
        ...

    async def close(self) -> None:
        """Finish what was begun; the catalogue is of no use after that."""
        ...

    async def discard(self) -> None:
        """As `close`, of a start that failed: what opening it made is removed."""
        ...


class MemoryCatalogue:
    """Namespaces that die with the process."""

    def __init__(self) -> None:
        self._namespaces: dict[str, Namespace] = {}
        self._stores: dict[str, MemoryStore] = {}

    async def namespaces(self) -> Sequence[Namespace]:
        return list(self._namespaces.values())

    async def keep(self, namespace: Namespace) -> None:
        self._namespaces[namespace.name] = namespace

    async def remove(self, name: str) -> None:
        del self._namespaces[name]
        self._stores.pop(name, None)

    def store(self, name: str) -> Store:
        return self._stores.setdefault(name, MemoryStore())

    async def close(self) -> None:
        pass

    async def discard(self) -> None:
        pass


class Namespaces:
    """The registry. Raises NamespaceError for what Cloudflare would refuse."""

    def __init__(self, catalogue: Catalogue, namespaces: Sequence[Namespace], open_service: OpenService, dice: Dice):
        self._catalogue = catalogue
        self._open_service = open_service
        self._dice = dice
        self._by_id = {namespace.id: namespace for namespace in namespaces}
        self._services: dict[str, KVService] = {}
        self._bound: dict[str, str] = {}
        self._made = 0
        self._turn = asyncio.Lock()

    @classmethod
    async def open(cls, catalogue: Catalogue, open_service: OpenService, dice: Dice) -> "Namespaces":
        """Those that the catalogue holds; `dice` make the ids of new ones."""
        return cls(catalogue, await catalogue.namespaces(), open_service, dice)

    @classmethod
    def around(cls, service: KVService, *, name: str, worker: str, dice: Dice) -> "Namespaces":
        """A registry in memory that begins with one namespace, which a Worker is bound to, and its service."""
        namespace = namespace_of(name)

        def open_service(store: Store, name: str) -> KVService:
            return service.beside(store, name, dice)

        made = cls(MemoryCatalogue(), [namespace], open_service, dice)
        made._services[namespace.id], made._bound[namespace.id] = service, worker
        return made

    async def bind(self, name: str, *, worker: str, id: str | None = None) -> KVService:
        """The namespace that `worker` is bound to: of this id, or of this name, or else a new one.

        `name` may be an id or a title too. With `id`, as long as this process lives, it is the namespace's own.
        """
        found = self._by_id.get(id) if id is not None else None
        found = found or await self._named(name)
        if id is not None and found.id != id:
            del self._by_id[found.id]
            found = self._by_id[id] = replace(found, id=id)
        self._bound[found.id] = worker
        service = self.service(found.id)
        assert service is not None
        return service

    async def _named(self, name: str) -> Namespace:
        found = find_namespace(self.all(), name)
        if found is None:
            found = namespace_of(name)
            self._by_id[found.id] = found
            await self._catalogue.keep(found)
        return found

    def all(self) -> list[Namespace]:
        """Every namespace, oldest first as far as that is known."""
        return list(self._by_id.values())

    def bound(self) -> list[Namespace]:
        """Those that a Worker is bound to."""
        return [self._by_id[id] for id in self._bound]

    def get(self, id: str) -> Namespace | None:
        """The namespace of this id."""
        return self._by_id.get(id)

    def service(self, id: str) -> KVService | None:
        """What reads and writes the namespace; None if there is none of this id."""
        namespace = self._by_id.get(id)
        if namespace is not None and id not in self._services:
            self._services[id] = self._open_service(self._catalogue.store(namespace.name), namespace.name)
        return self._services.get(id)

    async def create(self, title: str, jurisdiction: str | None = None) -> Namespace:
        """A new one, with an id that the dice draw."""
        return await self._alone(self._create(title, jurisdiction))

    async def rename(self, id: str, title: str) -> Namespace:
        """Give it another title; entries and bindings stay."""
        return await self._alone(self._rename(id, title))

    async def delete(self, id: str) -> None:
        """Drop it with its entries; one that a Worker is bound to stays, as on Cloudflare."""
        return await self._alone(self._delete(id))

    async def reset(self) -> None:
        """Drop what was created, and forget all that the bound ones hold, noted and count; titles stay."""
        await self._alone(self._reset())

    async def close(self, *, discard: bool = False) -> None:
        """With `discard` what opening them made is removed: the start failed."""
        async with self._turn:
            await (self._catalogue.discard() if discard else self._catalogue.close())

    async def _alone(self, change: Coroutine[object, None, Result]) -> Result:
        """One change at a time, and each to its end, whoever waits for it: else this and the catalogue would differ."""

        async def in_turn() -> Result:
            async with self._turn:
                return await change

        if not in_event_loop():  # then nothing else runs, and nobody can be cancelled
            return await change
        return await asyncio.shield(asyncio.ensure_future(in_turn()))

    async def _create(self, title: str, jurisdiction: str | None) -> Namespace:
        self._check_title(title, of=None)
        if len(self._by_id) >= NAMESPACES_MAX:
            raise NamespaceError("too many", f"an account has at most {NAMESPACES_MAX} namespaces")
        id = self._new_id(title)
        namespace = Namespace(id, title, id, jurisdiction)
        await self._catalogue.keep(namespace)
        self._by_id[id] = namespace
        return namespace

    async def _rename(self, id: str, title: str) -> Namespace:
        after = replace(self._there(id), title=title)
        self._check_title(title, of=id)
        await self._catalogue.keep(after)
        self._by_id[id] = after
        return after

    async def _delete(self, id: str) -> None:
        namespace = self._there(id)
        if id in self._bound:
            raise NamespaceError("bound", f"namespace has associated scripts: {self._bound[id]}")
        del self._by_id[id]  # before the wait: nobody writes into it any more
        if (service := self._services.pop(id, None)) is not None:
            service.retire()
        try:
            await self._catalogue.remove(namespace.name)
        except BaseException:
            self._by_id[id] = namespace
            raise

    async def _reset(self) -> None:
        for id in [id for id in self._by_id if id not in self._bound]:
            await self._delete(id)
        for id in self._bound:
            await self._services[id].reset()

    def _there(self, id: str) -> Namespace:
        namespace = self._by_id.get(id)
        if namespace is None:  # deleted, since the caller found it
            raise NamespaceError("gone", "namespace not found")
        return namespace

    def _check_title(self, title: str, *, of: str | None) -> None:
        if any(each.title == title for each in self._by_id.values() if each.id != of):
            raise NamespaceError("title taken", "a namespace with this account ID and title already exists")

    def _new_id(self, title: str) -> str:
        while True:
            self._made += 1
            high, low = (self._dice.bits(64, "namespace", title, self._made, half) for half in (0, 1))
            if (id := f"{high:016x}{low:016x}") not in self._by_id:
                return id
