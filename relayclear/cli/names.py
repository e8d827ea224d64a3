"""Reading what people type: packet names, channel ends, sequences, moments."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from relayclear.errors import UsageError
from relayclear.ibc.coin import Coin
from relayclear.ibc.duration import parse_duration
from relayclear.ibc.packet import ChannelEnd, PacketKey, SequenceRanges


def sequences(text: str) -> SequenceRanges:
    """Hermes' spelling of sequences.  Raises UsageError with what is wrong."""
    try:
        return SequenceRanges.parse(text)
    except ValueError as error:
        raise UsageError(f"--packet-sequences: {error}", hint="--packet-sequences 1,10..20") from error


def packet_key(text: str) -> PacketKey:
    """``CHAIN/CHANNEL/SEQUENCE`` or ``CHAIN/PORT/CHANNEL/SEQUENCE``."""
    end, ranges = muted_end(text)
    if ranges is None or len(ranges) != 1:
        raise UsageError(f"{text!r} does not name one packet", hint="relayclear packets show alpha-1/channel-0/2")
    return PacketKey(*end, next(iter(ranges)))


def muted_end(text: str) -> tuple[ChannelEnd, SequenceRanges | None]:
    """``CHAIN/CHANNEL``, a port between them where it isn't transfer, sequences behind or none."""
    parts = [part.strip() for part in text.split("/")]
    ranges = None
    if len(parts) > 2 and parts[-1][:1].isdigit():  # noqa: PLR2004 - chain and channel come first
        ranges = sequences(parts.pop())
    if not all(parts):
        parts = []
    match parts:
        case [chain, channel]:
            return ChannelEnd(chain, "transfer", channel), ranges
        case [chain, port, channel]:
            return ChannelEnd(chain, port, channel), ranges
    raise UsageError(f"{text!r} is not CHAIN/CHANNEL[/SEQUENCES]", hint="write it like alpha-1/channel-0/2")


def until_moment(text: str | None, now: datetime) -> datetime | None:
    """A duration from now, or a time with its zone."""
    if text is None:
        return None
    try:
        return now + timedelta(seconds=parse_duration(text))
    except ValueError:
        pass
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"--until {text!r} is neither a duration nor a time", hint="--until 7d") from error
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    if at <= now:
        raise UsageError(f"--until {text!r} has passed", hint="--until 7d")
    return at


def since_moment(text: str | None, now: datetime) -> datetime | None:
    """A duration back from now, or a time with its zone."""
    if text is None:
        return None
    try:
        return now - timedelta(seconds=parse_duration(text))
    except (ValueError, OverflowError):
        pass
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"--since {text!r} is neither a duration nor a time", hint="--since 7d") from error
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def coins(texts: list[str] | None, option: str) -> tuple[Coin, ...]:
    """Coins of a repeated option."""
    try:
        return tuple(coin for text in texts or () for coin in Coin.parse_many(text.replace(" ", "")))
    except ValueError as error:
        raise UsageError(f"{option}: {error}", hint=f"{option} 20000uatom") from error
