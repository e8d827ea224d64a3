"""What people type: read exactly, refused in one sentence."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from relayclear.cli.names import coins, muted_end, packet_key, sequences, until_moment
from relayclear.errors import UsageError
from relayclear.ibc.coin import Coin
from relayclear.ibc.packet import ChannelEnd, PacketKey, SequenceRanges

NOW = datetime(2026, 1, 2, 12, tzinfo=UTC)


def test_sequences_pasted_with_spaces_are_read() -> None:
    assert sequences(" 1, 10 .. 20 ") == SequenceRanges([(1, 1), (10, 20)])


@pytest.mark.parametrize("text", ["", "0", "9..2", "1,1", "1..5,3", "18446744073709551616", "x", "-1", "1;2"])
def test_sequences_that_cannot_be_are_refused_with_an_example(text: str) -> None:
    with pytest.raises(UsageError, match="--packet-sequences: ") as caught:
        sequences(text)
    assert caught.value.hint == "--packet-sequences 1,10..20"


def test_a_packet_is_named_with_or_without_its_port() -> None:
    assert packet_key("alpha-1/channel-0/2") == PacketKey("alpha-1", "transfer", "channel-0", 2)
    assert packet_key(" alpha-1 / icahost / channel-0 / 2 ") == PacketKey("alpha-1", "icahost", "channel-0", 2)
    assert packet_key(str(PacketKey("a", "icahost", "channel-0", 2))).port == "icahost"


@pytest.mark.parametrize("text", ["", "alpha-1", "alpha-1/channel-0", "alpha-1/channel-0/1..2", "a/b/c/d/5", "//2"])
def test_what_names_no_single_packet_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        packet_key(text)


def test_a_channel_is_named_with_or_without_sequences() -> None:
    assert muted_end("alpha-1/channel-0") == (ChannelEnd("alpha-1", "transfer", "channel-0"), None)
    end, ranges = muted_end("alpha-1/icahost/channel-0/1..3")
    assert (end.port, str(ranges)) == ("icahost", "1..3")


def test_until_is_a_duration_or_a_time_to_come() -> None:
    assert until_moment(None, NOW) is None
    assert until_moment("7d", NOW) == NOW + timedelta(days=7)
    assert until_moment("2026-02-01", NOW) == datetime(2026, 2, 1, tzinfo=UTC)
    assert until_moment("2026-02-01T00:00:00+02:00", NOW) == datetime(2026, 1, 31, 22, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "soon", "7", "2026-01-02T11:59:59Z", "2026-13-01"])
def test_until_that_has_passed_or_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--until"):
        until_moment(text, NOW)


def test_fee_caps_may_be_repeated_or_joined() -> None:
    assert coins(["5stake, 6ubeta", "7ibc/AB"], "--max-fee") == (Coin("stake", 5), Coin("ubeta", 6), Coin("ibc/AB", 7))
    assert coins(None, "--max-fee") == ()


@pytest.mark.parametrize("text", ["5", "stake", "-5stake", "5.5stake"])
def test_a_fee_cap_that_is_no_coin_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--max-fee"):
        coins([text], "--max-fee")
