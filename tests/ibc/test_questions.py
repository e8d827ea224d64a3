"""The small rules that questions and gas terms carry themselves."""

from __future__ import annotations

from decimal import Decimal

import pytest

from relayclear.ibc.coin import Coin
from relayclear.ibc.packet import ChannelEnd, PacketKey
from relayclear.ibc.readings import RelayQuestion, RelayStep
from relayclear.ibc.relayer import GasTerms


def test_a_question_is_about_packets_of_the_end_that_sent_them() -> None:
    source, other = ChannelEnd("alpha-1", "transfer", "channel-0"), ChannelEnd("beta-1", "transfer", "channel-7")
    question = RelayQuestion(source, RelayStep.RECV, (2, 5), other)
    assert question.keys() == (PacketKey(*source, 2), PacketKey(*source, 5))


@pytest.mark.parametrize(
    ("price", "max_gas", "fee"),
    [
        ("0.025", 400_000, 10_001),
        ("0.25", 400_000, 100_000),
        ("0.1", 1, 1),
        ("0", 400_000, 0),
        ("3", 10**18, 3 * 10**18),
    ],
)
def test_the_worst_fee_is_what_hermes_rounds_up_to_from_the_binary_price(price: str, max_gas: int, fee: int) -> None:
    assert GasTerms("alpha-1", "uatom", Decimal(price), max_gas).worst_fee == Coin("uatom", fee)
