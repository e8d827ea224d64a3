"""Amounts of money: an integer and a denom, never a float, never two denoms mixed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha256

# The SDK's own pattern of a coin in an event or on a command line.
_COIN = re.compile(r"([0-9]{1,78})([a-zA-Z][a-zA-Z0-9/:._-]{1,127})")
_HOP = re.compile(r"(channel-\d+|\d{2}-\w+-\d+)")


@dataclass(frozen=True, slots=True, order=True)
class Coin:
    """An amount in base units of one denom.  Amounts of up to 2**256 occur."""

    denom: str
    amount: int

    def __str__(self) -> str:
        """Write the coin as the SDK does: ``1000uatom``."""
        return f"{self.amount}{self.denom}"

    @classmethod
    def parse(cls, text: str) -> Coin:
        """Read ``1000uatom``.  Raises ValueError for anything else, signs and spaces included."""
        match = _COIN.fullmatch(text)
        if match is None:
            message = f"{text[:50]!r} is not a coin like 1000uatom"
            raise ValueError(message)
        return cls(match[2], int(match[1]))

    @classmethod
    def parse_many(cls, text: str) -> tuple[Coin, ...]:
        """Read a comma-joined list as events write it; the empty text is no coins."""
        return tuple(cls.parse(part) for part in text.split(",") if part)


@dataclass(frozen=True, slots=True)
class DenomPath:
    """Where a denom comes from: the hops of its trace, newest first, and the base denom."""

    hops: tuple[tuple[str, str], ...]
    base: str

    @classmethod
    def parse(cls, full: str) -> DenomPath:
        """Split ``transfer/channel-0/uatom`` into hops and base (``factory/…/x`` stays whole)."""
        parts = full.split("/")
        hops: list[tuple[str, str]] = []
        while len(parts) > 2 and _HOP.fullmatch(parts[1]):  # noqa: PLR2004 - port, channel, rest
            hops.append((parts[0], parts[1]))
            parts = parts[2:]
        return cls(tuple(hops), "/".join(parts))

    def __str__(self) -> str:
        """Join the path as packets carry it."""
        return "/".join([*(part for hop in self.hops for part in hop), self.base])

    @property
    def voucher(self) -> str:
        """The denom that a chain books this path under: the base itself, or ``ibc/HASH``."""
        if not self.hops:
            return self.base
        return "ibc/" + sha256(str(self).encode()).hexdigest().upper()

    def received_over(self, source: tuple[str, str], destination: tuple[str, str]) -> DenomPath:
        """The path after one transfer: a coin going home loses its hop, any other gains one."""
        if self.hops and self.hops[0] == source:
            return DenomPath(self.hops[1:], self.base)
        return DenomPath((destination, *self.hops), self.base)
