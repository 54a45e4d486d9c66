"""The requests by which Schemathesis asks whether a key is needed: without the environment, and over kept connections.

Schemathesis opens a session for each of them, since cookies and keys of another session would answer the question. Such
a session believes the environment, so that a proxy would come between, or a password of ~/.netrc go along; and it opens
a connection, which takes longer than the request. There is no setting against either (schemathesis 4.32).
"""

from collections.abc import Iterator
from contextlib import contextmanager

from requests.adapters import HTTPAdapter
from schemathesis import CheckContext, Response
from schemathesis.checks import CheckFunction
from schemathesis.specs.openapi import checks
from schemathesis.transport import requests as transport
from schemathesis.transport.requests import SameHostRedirectsSession

from queue_contracts.checks.description import GeneratedCase

SESSION = "SameHostRedirectsSession"


def key_needed() -> CheckFunction:
    """Schemathesis's check `ignored_auth`, which asks without a key and with a wrong one, once for each operation.

    So do runs of Schemathesis itself: whether a key is needed is the operation's. By pytest it would ask again after
    each success: two requests of five of a run.
    """
    shown = set[str]()

    def ignored_auth(ctx: CheckContext, response: Response, case: GeneratedCase) -> bool | None:
        ctx.auth_enforced_operations = shown
        return checks.ignored_auth(ctx, response, case)

    return ignored_auth


@contextmanager
def probing() -> Iterator[None]:
    """While the block runs, the sessions that Schemathesis opens are such as these."""
    # Were it renamed, the environment would be believed again without a word.
    assert hasattr(transport, SESSION), f"schemathesis has no {SESSION} any more: look what its probes are sent by now"
    kept = _KeptOpen()

    class Probing(SameHostRedirectsSession):
        def __init__(self) -> None:
            super().__init__()
            self.trust_env = False
            for each in list(self.adapters):
                self.mount(each, kept)

    setattr(transport, SESSION, Probing)
    try:
        yield
    finally:
        setattr(transport, SESSION, SameHostRedirectsSession)
        kept.end()


class _KeptOpen(HTTPAdapter):
    """The connections of several sessions, none of which closes them."""

    def close(self) -> None:
        """Of one session."""

    def end(self) -> None:
        super().close()
