"""Packets that another chain passes on: what the packet-forward middleware reads out of a memo."""

from __future__ import annotations

import json
from collections.abc import Mapping

_DEEPEST = 32


def hops(memo: str) -> int:
    """How many hops a transfer with this memo makes in all: 1 where nobody passes it on.

    The middleware takes a JSON object with `forward`; what follows stands in `forward.next`, as an
    object or as its text.  A memo that nests deeper than 32 counts as far as that.
    """
    count, value = 1, _object(memo)
    while count <= _DEEPEST and isinstance(forward := value.get("forward"), Mapping):
        count += 1
        value = _object(forward.get("next"))
    return count


def _object(value: object) -> Mapping[str, object]:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return {}
    return value if isinstance(value, Mapping) else {}
