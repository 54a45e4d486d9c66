"""The keys that the environment holds: what is printed before there is a target, or after a fault, has none of them."""

import os
from collections.abc import Mapping

from queue_contracts.names import ADMIN_KEY, KV_TOKEN, OF_B, QUEUE_KEY
from queue_contracts.untrusted.bounded import Unreadable
from queue_contracts.untrusted.keys import Keys

SECRETS = (QUEUE_KEY, ADMIN_KEY, KV_TOKEN, QUEUE_KEY + OF_B, ADMIN_KEY + OF_B)


def mask_environment(text: str, environment: Mapping[str, str] = os.environ) -> str:
    """The text without the keys of the environment."""
    keys = Keys({value: f"${name}" for name in SECRETS if (value := environment.get(name))})
    try:
        return keys.mask(text)
    except Unreadable as why:
        return f"(not shown: {why})"
