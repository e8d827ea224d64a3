"""Spans of time as people write them."""

from __future__ import annotations

import re

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_DURATION = re.compile(r"([0-9]{1,9})([smhdw])")


def parse_duration(text: str) -> int:
    """Read ``90s``, ``30m``, ``1h30m``, ``2d`` as seconds.  Raises ValueError for anything else."""
    parts = _DURATION.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        message = f"{text!r} is not a duration like 90s, 30m, 1h30m or 2d"
        raise ValueError(message)
    return sum(int(number) * _UNITS[unit] for number, unit in parts)
