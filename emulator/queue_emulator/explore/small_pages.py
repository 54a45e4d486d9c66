"""A namespace with fewer keys on a page than production has: a small world shows what a large one would."""

from collections.abc import Coroutine
from functools import lru_cache
from typing import cast

from msgspec import structs

from queue_emulator.core.options import ListRequest
from queue_emulator.explore.behaviour import Behaviour
from queue_emulator.kv.binding import Service
from queue_emulator.kv.operation import AnyOperation, Listing, Operation, Outcome


class SmallPages:
    """The namespace with such pages. `did` is told when a page ends before its list does."""

    def __init__(self, service: Service, page_max: int, did: set[Behaviour]) -> None:
        self._service = service
        self._page_max = page_max
        self._did = did
        self.clock, self.namespace, self.pipeline = service.clock, service.namespace, service.pipeline

    def perform(self, operation: Operation[Outcome]) -> Coroutine[object, None, Outcome]:
        """As the namespace does it."""
        page = operation.page
        if page is None or page.limit <= self._page_max:
            return self._service.perform(operation)
        small: AnyOperation = structs.replace(operation, page=_small(page, self._page_max))
        return cast("Coroutine[object, None, Outcome]", self._listed(small))

    async def _listed(self, operation: Operation[Listing]) -> Listing:
        listing = await self._service.perform(operation)
        if listing.cursor is not None:
            self._did.add(Behaviour.PAGES)
        return listing


@lru_cache
def _small(page: ListRequest, page_max: int) -> ListRequest:
    return page._replace(limit=min(page.limit, page_max))
