"""The first answers: what follows from them, what is refused, and a look that no node keeps waiting."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any, cast

import pytest

from relayclear.errors import NodeError, UsageError
from relayclear.ibc.coin import Coin
from relayclear.ports import Chain
from relayclear.usecases.starting import Answers, KnownChain, check_payee, chosen, denoms_held, look_around
from tests.fakes.rig import Rig
from tests.fakes.world import address

PAYEE, DAEMON = address("payee", "alpha-1"), address("daemon", "alpha-1")
ALPHA = KnownChain("alpha-1", "alpha", "stake", "daemon", DAEMON, ("daemon",), "hermes keys add …")
BETA = replace(ALPHA, chain="beta-1", prefix="beta", gas_denom="ubeta", daemon=None)
KNOWN = {"alpha-1": ALPHA, "beta-1": BETA}
HERMES = [{"config": "/h.toml"}]


def seller(**more: Any) -> Answers:
    fees: dict[str, Any] = {
        "service_fees": {"alpha-1": Coin("stake", 10)},
        "packet_fees": {"alpha-1": Coin("stake", 1)},
    }
    return Answers(**{"payees": {"alpha-1": PAYEE}, **fees, **more})


def test_a_relayer_that_sells_nothing_gets_tables_of_chains() -> None:
    assert chosen(Answers(payees={}), HERMES, KNOWN, {}) == {"hermes": HERMES}


def test_what_was_answered_is_not_what_is_written() -> None:
    answers = seller(mode="auto", max_each=(Coin("stake", 5),), max_per_day=(Coin("stake", 9),), clearing_key="c")
    price = {"denom": "stake", "service_fee": 10, "per_packet_fee": 1}
    assert chosen(answers, HERMES, KNOWN, {}) == {
        "hermes": HERMES,
        "chains": {
            "alpha-1": {"clearing_key": "c", "payee": PAYEE, "prices": [price]},
            "beta-1": {"clearing_key": "c"},
        },
        "refunds": {"mode": "auto", "max_each": ["5stake"], "max_per_day": ["9stake"]},
    }


@pytest.mark.parametrize(
    ("more", "said", "flag"),
    [
        ({"payees": {"gamma-1": PAYEE}}, "no chain of the Hermes config", "--payee CHAIN"),
        ({"payees": {"alpha-1": address("payee", "beta-1")}}, "no address of alpha-1", "--payee alpha-1=alpha1"),
        ({"payees": {"alpha-1": PAYEE[:-1] + "q"}}, "checksum doesn't hold", "copy it again"),
        ({"payees": {"alpha-1": DAEMON}}, "hermes start signs with", "--payee alpha-1="),
        ({"service_fees": {}}, "nobody said its service-fee", "--service-fee alpha-1"),
        ({"packet_fees": {}}, "nobody said its per-packet-fee", "--per-packet-fee alpha-1"),
        ({"packet_fees": {"alpha-1": Coin("token", 1)}}, "in two denoms", "--per-packet-fee alpha-1=1stake"),
        ({"payees": {}}, "which has no payee", "--payee alpha-1"),
        ({"mode": "auto"}, "would go by themselves", "--refund-max-each 5000000stake"),
        ({"mode": "auto", "max_each": (Coin("token", 1),)}, "would go by themselves", "--refund-max-each"),
        ({"max_each": (Coin("stake", 1),)}, "and nothing does", "--refunds auto"),
        ({"mode": "approve", "max_per_day": (Coin("stake", 1),)}, "and nothing does", "--refunds auto"),
    ],
)
def test_an_answer_that_would_lose_money_is_written(more: dict[str, Any], said: str, flag: str) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        chosen(seller(**more), HERMES, KNOWN, {})
    assert flag in (caught.value.hint or "")


def test_the_channels_that_the_nodes_told_are_shown(rig: Rig) -> None:
    outlook = asyncio.run(look_around(rig.desk))
    assert outlook.channels == {"alpha-1": ("channel-0 → beta-1",), "beta-1": ("channel-0 → alpha-1",)}
    assert outlook.failures == {}


def test_a_chain_that_cannot_be_read_is_said_to_have_no_channels(rig: Rig) -> None:
    rig.beta.down = NodeError("https://beta refused the connection")
    outlook = asyncio.run(look_around(rig.desk))
    assert outlook.failures == {"beta-1": "https://beta refused the connection"}
    assert "beta-1" not in outlook.channels


class _Hangs:
    """A node that takes the connection and says nothing."""

    async def next_channel_sequence(self) -> int:
        return cast("int", await asyncio.get_running_loop().create_future())

    connections = clients = next_channel_sequence


def test_a_node_that_hangs_keeps_a_beginner_waiting(rig: Rig) -> None:
    desk = replace(rig.desk, chains={**rig.chains, "beta-1": cast("Chain", _Hangs())})
    outlook = asyncio.run(asyncio.wait_for(look_around(desk, seconds=0.2), timeout=20))
    assert outlook.failures == {"beta-1": "no answer within 0 s"}
    assert list(outlook.channels) == ["alpha-1"]


def test_a_slip_in_a_denom_is_a_price_that_nobody_can_pay() -> None:
    """What the payee holds is known, and what is like nothing known may come to be paid in."""
    known = {"alpha-1": {"stake", "ibc/27394FB092D2ECCD56123C74F36E4C1F926001CEADA9CA97EA622B25F41E5EB2"}}
    for slip in ("stak", "ibc/27394FB092D2ECCD56123C74F36E4C1F926001CEADA9CA97EA622B25F41E5EB"):
        fees = {"alpha-1": Coin(slip, 5)}
        with pytest.raises(UsageError, match="did you mean") as caught:
            chosen(seller(service_fees=fees, packet_fees=fees), HERMES, KNOWN, known)
        assert (caught.value.hint or "").startswith("--service-fee alpha-1=5")
    for fine in (*known["alpha-1"], "ubeta"):
        fees = {"alpha-1": Coin(fine, 5)}
        assert chosen(seller(service_fees=fees, packet_fees=fees), HERMES, KNOWN, known)


def test_a_node_that_says_nothing_of_a_payee_keeps_nobody_waiting(rig: Rig) -> None:
    payees = {chain: address("payee", chain) for chain in rig.chains}
    rig.world.set_account("alpha-1", payees["alpha-1"])
    rig.beta.down = NodeError("refused")
    assert asyncio.run(denoms_held(rig.desk, payees)) == {"alpha-1": {"stake"}, "beta-1": set()}


def test_a_mistyped_address_is_called_one_of_another_chain() -> None:
    good = address("payee", "alpha-1")
    wrong = good[:-1] + ("q" if good[-1] != "q" else "p")
    with pytest.raises(UsageError, match="a character is mistyped or missing"):
        check_payee(KNOWN, "alpha-1", wrong)
    with pytest.raises(UsageError, match="whose addresses begin with"):
        check_payee(KNOWN, "alpha-1", "cosmos1" + good)
