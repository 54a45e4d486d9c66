"""What an account's namespaces are: ids, titles, jurisdictions, and which id belongs to a name.

Fields as https://developers.cloudflare.com/api/resources/kv/subresources/namespaces/ gives them.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b

ACCOUNT_ID = "0123456789abcdef0123456789abcdef"  # any would do: there is one account
ID = re.compile("[0-9a-f]{32}")
JURISDICTIONS = ("eu", "us", "fedramp")


@dataclass(frozen=True, slots=True)
class Namespace:
    """One namespace.

    id            32 lower-case hexadecimal digits
    title         unique in the account
    jurisdiction  one of JURISDICTIONS, or None
    """

    id: str
    title: str
    jurisdiction: str | None = None


def find_namespace(namespaces: Iterable[Namespace], named: str) -> Namespace | None:
    """The one of this id, or of the id that is drawn from this name, or else of this title."""
    id = id_of(named)
    found = sorted(namespaces, key=lambda each: each.id != id)
    return next((each for each in found if each.id == id or each.title == named), None)


def namespace_of(name: str) -> Namespace:
    """The namespace that a Worker is bound to by this name, before anybody renamed it."""
    return Namespace(id_of(name), name)


def id_of(name: str) -> str:
    """A name that is an id, as in a wrangler config, is its own; the id of any other is drawn from it."""
    return name.lower() if is_id(name) else blake2b(name.encode(), digest_size=16).hexdigest()


def is_id(name: str) -> bool:
    """Whether it has the form of an id, in whatever case."""
    return ID.fullmatch(name.lower()) is not None
