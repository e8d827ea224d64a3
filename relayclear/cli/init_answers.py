"""What the flags of `init` say, and the same words typed as answers."""

from __future__ import annotations

from collections.abc import Sequence

from relayclear.errors import UsageError
from relayclear.ibc.coin import Coin


def by_chain(flag: str, given: Sequence[str]) -> dict[str, str]:
    """What a flag says of each chain.  Raises UsageError for what names none, or one twice."""
    found: dict[str, str] = {}
    for text in given:
        chain, equals, value = text.partition("=")
        if not (chain and equals and value):
            raise UsageError(f"{flag} {text[:120]!r} has no CHAIN=", hint=f"{flag} osmosis-1=…")
        if chain in found:
            raise UsageError(f"{flag} names {chain[:64]} twice", hint=f"{flag} {chain[:64]}=… once")
        found[chain] = value
    return found


def coins_by_chain(flag: str, given: Sequence[str] | None) -> dict[str, Coin]:
    """A coin for each chain.  Raises UsageError."""
    return {chain: read_coin(flag, text) for chain, text in by_chain(flag, given or ()).items()}


def coins(flag: str, given: Sequence[str] | None) -> tuple[Coin, ...]:
    """Coins of any chain.  Raises UsageError."""
    return tuple(read_coin(flag, text) for text in given or ())


def read_coin(flag: str, text: str) -> Coin:
    """A coin as the SDK writes it.  Raises UsageError naming the flag."""
    try:
        return Coin.parse(text)
    except ValueError as error:
        raise UsageError(f"{flag}: {error}", hint="an amount in base units and its denom, like 1000000uosmo") from error
