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
    name          under which its entries are kept: what a Worker is bound to, else its id
    jurisdiction  one of JURISDICTIONS, or None
    """

    id: str
    title: str
    name: str
    jurisdiction: str | None = None


def find_namespace(namespaces: Iterable[Namespace], named: str) -> Namespace | None:
    """The one of this name, title or id, or of the id that is drawn from this name."""
    derived = namespace_of(named).id
    found = sorted(namespaces, key=lambda each: each.id != derived)
    return next((each for each in found if each.id == derived or named in (each.name, each.title)), None)


def namespace_of(name: str) -> Namespace:
    """The namespace that a Worker is bound to by this name, before anybody renamed it.

    A name that is an id, as in a wrangler config, is its own id; the id of any other is drawn from it.
    """
    if ID.fullmatch(name.lower()):
        return Namespace(name.lower(), name, name)
    return Namespace(blake2b(name.encode(), digest_size=16).hexdigest(), name, name)
