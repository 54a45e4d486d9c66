"""Which handler a request is for: below /client/v4/accounts/{account_id}/storage/kv/namespaces, by path and method.

Taken from the raw path, for a key may hold slashes, percent signs and line breaks.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from queue_emulator.core.accounts import ID
from queue_emulator.core.javascript import from_utf8
from queue_emulator.core.wire_names import API_PREFIX
from queue_emulator.web.rest import bulk, namespaces, refusals, values
from queue_emulator.web.rest.calls import Answer, Call

Handler = Callable[[Call], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class Route:
    """`template` is the path below the collection; `operations` names and handles each method."""

    template: str
    operations: Mapping[str, tuple[str, Handler]]


@dataclass(frozen=True, slots=True)
class Target:
    """What a path names; `namespace_id` is "" for the collection, `key_segment` still percent-encoded."""

    route: Route
    namespace_id: str
    key_segment: bytes


def find_route(raw_path: bytes) -> Target:
    """The target of a path; raises Refusal for one that is none."""
    segments = raw_path.removeprefix(API_PREFIX.encode()).split(b"/")[1:]
    if len(segments) < 5 or segments[0] != b"accounts" or segments[2:5] != [b"storage", b"kv", b"namespaces"]:
        raise refusals.no_route()
    if not ID.fullmatch(_text(segments[1]).lower()):
        raise refusals.no_such_account(raw_path.decode("ascii", "replace")[:_PATH_SHOWN_MAX])
    below = segments[5:]
    route = _route(below)
    if route is None:
        raise refusals.no_route()
    given = _text(below[0]) if below else ""
    if given and not ID.fullmatch(given.lower()):
        raise refusals.malformed_namespace(given[:_PATH_SHOWN_MAX])
    return Target(route, given.lower(), below[2] if route.template.endswith("{key}") else b"")


def _route(below: list[bytes]) -> Route | None:
    if len(below) == 3 and below[1] in (b"values", b"metadata") and below[2]:
        return _ROUTES[f"/{{id}}/{below[1].decode()}/{{key}}"]
    if below == [b""]:
        return _WITHOUT_ID
    return _ROUTES.get("/".join(["", *(["{id}"] if below else []), *map(_text, below[1:])]))


def _text(segment: bytes) -> str:
    return from_utf8(unquote_to_bytes(segment))


_PATH_SHOWN_MAX = 200

_ROUTES = {
    route.template: route
    for route in (
        Route(
            "",
            {
                "GET": ("list namespaces", namespaces.list_namespaces),
                "POST": ("create namespace", namespaces.create),
            },
        ),
        Route(
            "/{id}",
            {
                "GET": ("get namespace", namespaces.get),
                "PUT": ("rename namespace", namespaces.rename),
                "DELETE": ("remove namespace", namespaces.delete),
            },
        ),
        Route("/{id}/keys", {"GET": ("list keys", values.list_keys)}),
        Route(
            "/{id}/values/{key}",
            {
                "GET": ("get", values.get_value),
                "PUT": ("put", values.put_value),
                "DELETE": ("remove key", values.delete_value),
            },
        ),
        Route("/{id}/metadata/{key}", {"GET": ("get", values.get_metadata)}),
        Route("/{id}/bulk", {"PUT": ("bulk put keys", bulk.put), "DELETE": ("bulk remove keys", bulk.delete)}),
        Route("/{id}/bulk/delete", {"POST": ("bulk remove keys", bulk.delete)}),
        Route("/{id}/bulk/get", {"POST": ("bulk get keys", bulk.get)}),
    )
}

# A client with an empty id asks for the collection with a slash: a wrong method for all that is done to a namespace.
_WITHOUT_ID = Route("/", {})
