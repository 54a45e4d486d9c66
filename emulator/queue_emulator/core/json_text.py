"""A value that is only passed on: the JSON of it."""

import json
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class JsonText:
    """A large string, array or object as JSON.stringify writes it, in UTF-8."""

    content: bytes

    @property
    def is_string(self) -> bool:
        return self.content.startswith(b'"')

    @property
    def is_object(self) -> bool:
        return self.content.startswith(b"{")

    def text(self) -> str:
        """Of a string, what it says."""
        text: str = json.loads(self.content)
        return text
