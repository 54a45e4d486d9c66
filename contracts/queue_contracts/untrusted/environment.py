"""The keys that the environment holds: what is printed before there is a target, or after a fault, has none of them."""

import os
import re
from collections.abc import Mapping

from queue_contracts.names import SECRETS
from queue_contracts.untrusted.bounded import Unreadable
from queue_contracts.untrusted.keys import Keys
from queue_contracts.untrusted.visible import visible

_NOT_INDENTED = re.compile(r"\n(?! {4}|\Z)")


def printable(text: str, environment: Mapping[str, str] = os.environ) -> str:
    """A message or a traceback as it is shown: without those keys, and with nothing that a terminal would obey.

    Each line but the first is indented, so that none that somebody else wrote looks like a message.
    """
    return _NOT_INDENTED.sub("\n    ", visible(mask_environment(text, environment)))


def mask_environment(text: str, environment: Mapping[str, str] = os.environ) -> str:
    """The text without the keys of the environment."""
    keys = Keys({value: f"${name}" for name in SECRETS if (value := environment.get(name))})
    try:
        return keys.mask(text)
    except Unreadable as why:
        return f"(not shown: {why})"
