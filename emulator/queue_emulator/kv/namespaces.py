"""The namespaces of the one account: each with a service of its own, which is opened when it is first asked for."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

from queue_emulator.core.accounts import Namespace, find_namespace, id_of, is_id, namespace_of
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

    async def keep(self, namespace: Namespace, *, instead_of: str | None = None) -> None:
        """Add one, or replace the one of the same id, or of the id `instead_of`, whose entries it takes over."""
        ...

    async def remove(self, id: str) -> None:
        """Drop one with all its entries, or nothing."""
        ...

    async def reset(self, kept: Sequence[Namespace]) -> None:
        """Drop all entries, and all namespaces but these, which get the titles given here; all or nothing."""
        ...

    def store(self, id: str) -> Store:
        """The entries of one; closing the catalogue closes it. Raises NamespaceError at a write when it is deleted."""
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

    async def keep(self, namespace: Namespace, *, instead_of: str | None = None) -> None:
        if instead_of is not None:
            self._namespaces.pop(instead_of, None)
            self._stores[namespace.id] = self._stores.pop(instead_of, MemoryStore())
        self._namespaces[namespace.id] = namespace

    async def remove(self, id: str) -> None:
        self._namespaces.pop(id, None)
        self._stores.pop(id, None)

    async def reset(self, kept: Sequence[Namespace]) -> None:
        self._namespaces = {each.id: each for each in kept}
        self._stores = {each.id: self._stores[each.id] for each in kept if each.id in self._stores}
        for store in self._stores.values():
            await store.clear()

    def store(self, id: str) -> Store:
        return self._stores.setdefault(id, MemoryStore())

    async def close(self) -> None:
        pass

    async def discard(self) -> None:
        pass


@dataclass(frozen=True, slots=True)
class _Bound:
    """A Worker's side of a namespace: what it is called there, and its title after a reset."""

    worker: str
    name: str
    title: str


class Namespaces:
    """The registry. Raises NamespaceError for what Cloudflare would refuse."""

    def __init__(self, catalogue: Catalogue, namespaces: Sequence[Namespace], open_service: OpenService, dice: Dice):
        self._catalogue = catalogue
        self._open_service = open_service
        self._dice = dice
        self._by_id = {namespace.id: namespace for namespace in namespaces}
        self._services: dict[str, KVService] = {}
        self._bound: dict[str, _Bound] = {}
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
        made._services[namespace.id] = service
        made._bound[namespace.id] = _Bound(worker, name, namespace.title)
        return made

    async def bind(self, name: str, *, worker: str, id: str | None = None, binding: str | None = None) -> KVService:
        """The namespace that `worker` is bound to, a new one if there is none.

        With `id`, the one of this id and no other. But one that was only named `name` so far, and whose id is therefore
        drawn from its name, is given this id for good. Without `id`, the one that `name` is the id, the name or the
        title of. One that is new, or titled by its id, is titled by `name`, or by `binding` where that is an id.
        """
        found = self._by_id.get(id) if id is not None else self.find(name)
        if found is None:
            found = await self._claimed(name, id) or Namespace(id_of(name) if id is None else id, "")
        if found.title.lower() in ("", found.id):
            spoken = binding if binding is not None and is_id(name) else name
            found = replace(found, title=self._free_title(spoken, found.id))
            await self._catalogue.keep(found)
        self._by_id[found.id] = found
        self._bound[found.id] = _Bound(worker, name, found.title)
        service = self.service(found.id)
        assert service is not None
        return service

    async def _claimed(self, name: str, id: str | None) -> Namespace | None:
        """The one that was only named so far; it has this id from now on."""
        found = self._by_id.get(id_of(name))
        if id is None or found is None or is_id(name) or found.id in self._bound:
            return None
        claimed = replace(found, id=id)
        await self._catalogue.keep(claimed, instead_of=found.id)
        del self._by_id[found.id]
        return claimed

    def _free_title(self, title: str, id: str) -> str:
        """This title, or this title and the id where another namespace has it."""
        taken = {each.title for each in self._by_id.values() if each.id != id}
        return next(each for each in (title, f"{title}-{id}", id) if each not in taken)

    def all(self) -> list[Namespace]:
        """Every namespace, oldest first as far as that is known."""
        return list(self._by_id.values())

    def bound(self) -> list[Namespace]:
        """Those that a Worker is bound to."""
        return [self._by_id[id] for id in self._bound]

    def get(self, id: str) -> Namespace | None:
        """The namespace of this id."""
        return self._by_id.get(id)

    def find(self, named: str) -> Namespace | None:
        """The one that this is the id, the name that a Worker is bound to, or the title of."""
        bound = next((id for id, bound in self._bound.items() if bound.name == named), None)
        return self._by_id.get(bound or "") or find_namespace(self.all(), named)

    def name(self, id: str) -> str:
        """What journal and fault rules call it: as a Worker is bound to it, else its id."""
        return self._bound[id].name if id in self._bound else id

    def service(self, id: str) -> KVService | None:
        """What reads and writes the namespace; None if there is none of this id."""
        namespace = self._by_id.get(id)
        if namespace is not None and id not in self._services:
            self._services[id] = self._open_service(self._catalogue.store(id), self.name(id))
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
        """Drop what was created; forget what the bound ones hold, noted and count, and titles given since the start."""
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
        namespace = Namespace(id, title, jurisdiction)
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
            raise NamespaceError("bound", f"namespace has associated scripts: {self._bound[id].worker}")
        del self._by_id[id]  # before the wait: nobody writes into it any more
        self._retire(id)
        try:
            await self._catalogue.remove(id)
        except BaseException:
            self._by_id[id] = namespace
            raise

    async def _reset(self) -> None:
        for id in self._bound:
            await self._services[id].expect_reset()
        before = self._by_id
        self._by_id = {id: replace(before[id], title=bound.title) for id, bound in self._bound.items()}
        for id in before.keys() - self._by_id.keys():
            self._retire(id)
        try:
            await self._catalogue.reset(self.all())
        except BaseException:
            self._by_id = before
            raise
        for id in self._bound:
            await self._services[id].reset()

    def _retire(self, id: str) -> None:
        if (service := self._services.pop(id, None)) is not None:
            service.retire()

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
