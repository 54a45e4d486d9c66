"""The account's namespaces: list, create, get, rename and delete.

https://developers.cloudflare.com/api/resources/kv/subresources/namespaces/
"""

from collections.abc import Callable

import msgspec

from queue_emulator.core.accounts import JURISDICTIONS, Namespace
from queue_emulator.core.errors import NamespaceError
from queue_emulator.core.javascript import Json, well_formed
from queue_emulator.core.limits import TITLE_CHARACTERS_MAX
from queue_emulator.web.rest import refusals
from queue_emulator.web.rest.calls import Answer, Call

_BODY_BYTES_MAX = 65_536
_PER_PAGE_DEFAULT, _PER_PAGE_MAX = 20, 1000
_ORDERS: dict[str, Callable[[Namespace], str]] = {
    "id": lambda namespace: namespace.id,
    "title": lambda namespace: namespace.title,
}


async def list_namespaces(call: Call) -> Answer:
    """One page. Clients ask for the next until one is empty."""
    page = _whole(call, "page", 1, 10**9)
    per_page = _whole(call, "per_page", _PER_PAGE_DEFAULT, _PER_PAGE_MAX)
    order = _word(call, "order", tuple(_ORDERS))
    direction = _word(call, "direction", ("asc", "desc"))
    found = sorted(call.namespaces.all(), key=_ORDERS[order], reverse=direction == "desc")
    shown = found[(page - 1) * per_page : page * per_page]
    info = {"page": page, "per_page": per_page, "count": len(shown), "total_count": len(found)}
    return Answer.of([_json(namespace) for namespace in shown], info)


class _Titled(msgspec.Struct):
    title: str | None = None


class _Create(_Titled):
    jurisdiction: object = None


async def create(call: Call) -> Answer:
    asked = await call.shape(_BODY_BYTES_MAX, _Create)
    title, jurisdiction = _title(call, asked), asked.jurisdiction
    if jurisdiction is not None and jurisdiction not in JURISDICTIONS:
        raise refusals.bad_request(call.operation, f"jurisdiction must be one of {', '.join(JURISDICTIONS)}")
    try:
        return Answer.of(_json(await call.namespaces.create(title, jurisdiction)))
    except NamespaceError as error:
        raise refusals.of_namespace(call.operation, error) from None


async def get(call: Call) -> Answer:
    return Answer.of(_json(call.namespace))


async def rename(call: Call) -> Answer:
    title = _title(call, await call.shape(_BODY_BYTES_MAX, _Titled))
    call.check_there()
    try:
        return Answer.of(_json(await call.namespaces.rename(call.namespace.id, title)))
    except NamespaceError as error:
        raise refusals.of_namespace(call.operation, error) from None


async def delete(call: Call) -> Answer:
    """With all that is in it; refused for one that the Worker is bound to."""
    try:
        await call.namespaces.delete(call.namespace.id)
    except NamespaceError as error:
        raise refusals.of_namespace(call.operation, error) from None
    return Answer()


def _json(namespace: Namespace) -> dict[str, Json]:
    members: dict[str, Json] = {"id": namespace.id, "title": namespace.title, "supports_url_encoding": True}
    return members | ({"jurisdiction": namespace.jurisdiction} if namespace.jurisdiction else {})


def _title(call: Call, asked: _Titled) -> str:
    if not asked.title:
        raise refusals.no_title()
    if not well_formed(asked.title):
        raise refusals.bad_body(call.operation, "title must be a string without lone surrogates")
    if len(asked.title) > TITLE_CHARACTERS_MAX:
        why = f"Title length of {len(asked.title)} exceeds limit of {TITLE_CHARACTERS_MAX}."
        raise refusals.bad_request(call.operation, why)
    return asked.title


def _whole(call: Call, name: str, default: int, most: int) -> int:
    given = call.query.get(name, str(default))
    number = int(given) if given.isascii() and given.isdigit() and len(given) < 18 else 0
    if not 1 <= number <= most:
        raise refusals.bad_parameter(name, call.operation, given, f"an integer between 1 and {most}")
    return number


def _word(call: Call, name: str, words: tuple[str, ...]) -> str:
    given = call.query.get(name, words[0])
    if given not in words:
        raise refusals.bad_parameter(name, call.operation, given, " or ".join(words))
    return given
