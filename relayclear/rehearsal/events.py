"""Events as a chain emits them."""

from __future__ import annotations

from typing import Any, NamedTuple


class Event(NamedTuple):
    """One event; attributes keep their order and may repeat."""

    type: str
    attributes: tuple[tuple[str, str], ...]

    def with_attribute(self, key: str, value: str) -> Event:
        """The event with one more attribute at its end."""
        return Event(self.type, (*self.attributes, (key, value)))

    def renamed(self, prefix: str) -> Event:
        """Type and keys behind a prefix, as ibc-go marks what a failed callback emitted."""
        return Event(prefix + self.type, tuple((prefix + key, value) for key, value in self.attributes))

    def json(self) -> dict[str, Any]:
        """The event as JSON-RPC shows it."""
        rows = [{"key": key, "value": value, "index": True} for key, value in self.attributes]
        return {"type": self.type, "attributes": rows}


def event(kind: str, **attributes: object) -> Event:
    """An event whose attributes are the keyword arguments, in their order."""
    return Event(kind, tuple((key, str(value)) for key, value in attributes.items()))
