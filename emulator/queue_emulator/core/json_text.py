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

    def beginning(self, characters_max: int) -> str:
        """So many characters of it as JSON, or all; of a string in the usual quotes."""
        begun = self.content[: characters_max * 4].decode("utf-8", "ignore")[:characters_max]
        return f"'{begun[1:]}" if self.is_string else begun

    def text(self) -> str:
        """Of a string, what it says."""
        text: str = json.loads(self.content)
        return text
