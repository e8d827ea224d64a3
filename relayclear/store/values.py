"""How facts of the field are written into columns, and read back the same.

Times become RFC 3339 text in UTC with microseconds, so that text order is time order; amounts
become text, because they pass 64 bits; texts in JSON hold what is shown and never searched.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from relayclear.ibc.coin import Coin
from relayclear.ibc.packet import PacketKey, SequenceRanges

# Later than every time that is written.
FOR_EVER = "9999-12-31T23:59:59.999999Z"


def time_text(at: datetime) -> str:
    """Write a time.  Raises ValueError for one without a zone: it could mean anything."""
    if at.tzinfo is None:
        message = f"{at} has no time zone"
        raise ValueError(message)
    return at.astimezone(UTC).isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


def optional_time_text(at: datetime | None) -> str | None:
    """Write a time that may be unknown."""
    return None if at is None else time_text(at)


@lru_cache(maxsize=4096)
def read_time(text: str) -> datetime:
    """Read what `time_text` wrote."""
    return datetime.fromisoformat(text)


def read_optional_time(text: str | None) -> datetime | None:
    """Read what `optional_time_text` wrote."""
    return None if text is None else read_time(text)


def read_optional_bool(value: int | None) -> bool | None:
    """Read yes, no or unknown from 1, 0 or NULL."""
    return None if value is None else bool(value)


def json_text(value: Any) -> str:
    """Write JSON without spaces; text of any alphabet stays readable."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def read_json(text: str) -> Any:
    """Read what `json_text` wrote."""
    return json.loads(text)


def coins_text(coins: Iterable[Coin]) -> str:
    """Write coins as JSON with text amounts."""
    return json_text([{"denom": coin.denom, "amount": str(coin.amount)} for coin in coins])


def read_coins(text: str) -> tuple[Coin, ...]:
    """Read what `coins_text` wrote."""
    return tuple(Coin(coin["denom"], int(coin["amount"])) for coin in read_json(text))


def keys_text(keys: Iterable[PacketKey]) -> str:
    """Write packet keys as JSON, in their order."""
    return json_text([list(key) for key in keys])


def read_keys(text: str) -> tuple[PacketKey, ...]:
    """Read what `keys_text` wrote."""
    return tuple(PacketKey(*key) for key in read_json(text))


def heights_text(heights: Mapping[str, int]) -> str:
    """Write heights by chain as JSON."""
    return json_text(dict(heights))


def ranges_text(ranges: SequenceRanges) -> str:
    """Write ranges as Hermes spells them; the empty set is the empty text."""
    return str(ranges)


def read_ranges(text: str) -> SequenceRanges:
    """Read what `ranges_text` wrote."""
    return SequenceRanges.parse(text) if text else SequenceRanges()
