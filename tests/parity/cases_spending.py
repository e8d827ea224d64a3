"""Transactions of ours as the adapter reads them: what a node answers to them, where they stand, what they used."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, is_dataclass
from datetime import datetime
from typing import Any

from relayclear.chains.chain import CometChain
from relayclear.chains.hosts import Hosts
from relayclear.errors import RelayclearError
from relayclear.ibc.arrivals import Movement
from relayclear.rehearsal.transactions import hash_of
from tests.localnet.channels import Channel
from tests.localnet.node import ALPHA, BETA
from tests.localnet.rpc import attributes
from tests.parity import wires
from tests.parity.registry import case
from tests.parity.scenes import failing, payment
from tests.parity.side import Purse, Side

_TOO_MUCH = 10**15
_MEMO = "rc1r:0123456789abcdef late"
_GAS = {ALPHA: "stake", BETA: "ubeta"}
_UNKNOWN = "AB" * 32


def _asked(side: Side, chain: str, question: Callable[[CometChain], Awaitable[Any]]) -> Any:
    """What an adapter of its own in front of the chain's node answers."""

    async def run() -> Any:
        hosts = Hosts()
        adapter = CometChain(chain, [side.rpc[chain]], hosts=hosts)
        try:
            return _shown(await question(adapter))
        except RelayclearError as error:
            return {"error": type(error).__name__, "code": error.code, "message": error.message}
        finally:
            await adapter.aclose()
            await hosts.aclose()

    return asyncio.run(run())


def _shown(answer: Any) -> Any:
    if is_dataclass(answer) and not isinstance(answer, type):
        return {name: _shown(value) for name, value in asdict(answer).items()}
    if isinstance(answer, tuple) and hasattr(answer, "_asdict"):
        return {name: _shown(value) for name, value in answer._asdict().items()}
    if isinstance(answer, datetime):
        return answer.isoformat()
    return [_shown(one) for one in answer] if isinstance(answer, list | tuple) else answer


async def _moved(chain: CometChain, who: str, height: int) -> list[Movement]:
    return (await chain.moved_by_blocks(who, height, height)).movements


def _told(side: Side, chain: str, purse: Purse, raw: bytes) -> dict[str, Any]:
    """Everything that the adapter tells of a transaction that is in a block, or will be."""
    height = int(side.found(chain, hash_of(raw))["height"])
    who, last = purse.address, side.next_block(chain)
    _, sequence = side.numbers(chain, who)
    return {
        "landings": _asked(side, chain, lambda one: one.landings(hash_of(raw), height - 1, last)),
        "use": _asked(side, chain, lambda one: one.sequence_use(who, sequence - 1)),
        "uses": _asked(side, chain, lambda one: one.sequence_uses(who, height, last)),
        "movements": _asked(side, chain, lambda one: _moved(one, who, height)),
        "again": _asked(side, chain, lambda one: one.broadcast(raw)),
    }


def _spent(side: Side, chain: str, messages: Callable[[str], Sequence[Any]], times: int = 2) -> dict[str, Any]:
    """A purse's transaction, from its broadcast to what is told of it in its block."""
    purse = side.purse()
    raw = side.sign(chain, purse, messages(purse.address), gas=400_000, fee=900, memo=_MEMO)
    said = _asked(side, chain, lambda one: _sent(one, raw, times))
    return {"said": said, **_told(side, chain, purse, raw)}


def _failed(side: Side, chain: str, messages: Callable[[str], Sequence[Any]]) -> dict[str, Any]:
    # A node forgets bytes that failed in their block: what a second broadcast hears is chance, as is the block.
    return _spent(side, chain, messages, times=1)


async def _sent(one: CometChain, raw: bytes, times: int) -> list[Any]:
    return [await one.broadcast(raw) for _ in range(times)]


def _pay(amount: int) -> Callable[[str], Sequence[Any]]:
    return lambda who: [wires.send(who, wires.STRANGER, wires.coin(amount))]


@case
def refund_that_is_paid(side: Side) -> Any:
    return _spent(side, ALPHA, _pay(700))


@case
def refund_that_is_paid_on_a_newer_chain(side: Side) -> Any:
    return _spent(side, BETA, _pay(700))


@case
def refund_of_more_than_is_there(side: Side) -> Any:
    return _failed(side, ALPHA, _pay(_TOO_MUCH))


@case
def refund_of_more_than_is_there_on_a_newer_chain(side: Side) -> Any:
    return _failed(side, BETA, _pay(_TOO_MUCH))


def _denom(coin: Any) -> str:
    return str(coin.denom)


def _several(chain: str) -> Callable[[str], Sequence[Any]]:
    return lambda who: [
        wires.send(who, wires.STRANGER, *sorted([wires.coin(500, _GAS[chain]), wires.coin(700)], key=_denom)),
        wires.send(who, who, wires.coin(5)),
        wires.multi_send(who, {wires.STRANGER: wires.coin(5), wires.SECOND: wires.coin(7)}),
        wires.multi_send(who, {wires.SECOND: wires.coin(9)}),
    ]


@case
def spending_to_several(side: Side) -> Any:
    return _spent(side, ALPHA, _several(ALPHA))


@case
def spending_to_several_on_a_newer_chain(side: Side) -> Any:
    return _spent(side, BETA, _several(BETA))


def spent_over(side: Side) -> Channel:
    """A channel that only these cases send over, each from its own end."""
    return side.fresh_channel()


@case
def spending_of_coins_in_the_wrong_order(side: Side) -> Any:
    coins = (wires.coin(700), wires.coin(500, "stake"))
    return _failed(side, ALPHA, lambda who: [wires.send(who, wires.STRANGER, *coins)])


@case
def spending_over_a_channel(side: Side) -> Any:
    end = side.scene(spent_over).alpha
    return _spent(side, ALPHA, lambda who: [wires.transfer(who, end, wires.STRANGER, memo=_MEMO)])


@case
def spending_over_a_channel_of_a_newer_chain(side: Side) -> Any:
    end = side.scene(spent_over).beta
    return _spent(side, BETA, lambda who: [wires.transfer(who, end, wires.STRANGER, memo=_MEMO)])


def _voucher(side: Side, chain: str, tx: Any) -> Any:
    """What is told of the transaction that sent a voucher home."""
    [used] = attributes(tx["tx_result"], "tx", "acc_seq")
    who, _, sequence = used.rpartition("/")
    return _asked(side, chain, lambda one: one.sequence_use(who, int(sequence)))


@case
def voucher_that_was_spent(side: Side) -> Any:
    return _voucher(side, BETA, side.scene(failing).voucher)


@case
def voucher_that_was_spent_on_an_older_chain(side: Side) -> Any:
    return _voucher(side, ALPHA, side.scene(failing).older_voucher)


def _granted(side: Side, amount: int) -> Any:
    granter, grantee = side.purse(), side.purse()
    side.commit(ALPHA, granter, wires.allow_fees(granter.address, grantee.address))
    message = wires.send(grantee.address, wires.STRANGER, wires.coin(amount))
    raw = side.sign(ALPHA, grantee, [message], gas=400_000, fee=900, granter=granter.address)
    said = _asked(side, ALPHA, lambda one: one.broadcast(raw))
    return {"said": said, **_told(side, ALPHA, grantee, raw)}


@case
def refund_whose_fee_another_pays(side: Side) -> Any:
    return _granted(side, 700)


@case
def refund_of_more_than_is_there_whose_fee_another_pays(side: Side) -> Any:
    return _granted(side, _TOO_MUCH)


@case
def spending_by_another_hand(side: Side) -> Any:
    owner, hand = side.purse(), side.purse()
    side.commit(ALPHA, owner, wires.grant(owner.address, hand.address, "/cosmos.bank.v1beta1.MsgSend"))
    inner = wires.send(owner.address, wires.STRANGER, wires.coin(700))
    raw = side.sign(ALPHA, hand, [wires.execute(hand.address, inner)], gas=400_000, fee=900, memo="another's")
    _asked(side, ALPHA, lambda one: one.broadcast(raw))
    told = _told(side, ALPHA, hand, raw)
    height = int(side.found(ALPHA, hash_of(raw))["height"])
    moved = _asked(side, ALPHA, lambda one: _moved(one, owner.address, height))
    return {**told, "owners": moved}


# What isn't there


def _refused(side: Side, chain: str, **terms: Any) -> Any:
    purse = side.purse()
    raw = side.sign(chain, purse, _pay(700)(purse.address), **{"gas": 400_000, "fee": 900, **terms})
    said = _asked(side, chain, lambda one: one.broadcast(raw))
    last = side.next_block(chain)
    return {
        "said": said,
        "landings": _asked(side, chain, lambda one: one.landings(hash_of(raw), last - 2, last)),
        "use": _asked(side, chain, lambda one: one.sequence_use(purse.address, 0)),
    }


@case
def refund_whose_height_has_passed(side: Side) -> Any:
    return _refused(side, ALPHA, timeout_height=3)


@case
def refund_whose_sequence_is_ahead(side: Side) -> Any:
    return _refused(side, BETA, sequence=7)


@case
def refund_whose_fee_is_too_small(side: Side) -> Any:
    return _refused(side, ALPHA, fee=1)


@case
def landings_above_the_newest_block(side: Side) -> Any:
    return _asked(side, ALPHA, lambda one: one.landings(_UNKNOWN, 10**9, 10**9))


@case
def landings_of_bytes_nobody_sent(side: Side) -> Any:
    height = int(side.scene(payment)["height"])
    return _asked(side, ALPHA, lambda one: one.landings(_UNKNOWN, height - 1, height))


# What it would cost


@case
def refund_simulated(side: Side) -> Any:
    purse = side.purse()
    raws = [side.sign(ALPHA, purse, _pay(amount)(purse.address)) for amount in (700, _TOO_MUCH)]
    good, bad = (_asked(side, ALPHA, lambda one, raw=raw: one.simulate(raw)) for raw in raws)  # type: ignore[misc]
    return [good > 0, bad]


@case
def refund_simulated_on_a_newer_chain(side: Side) -> Any:
    purse = side.purse()
    raws = [side.sign(BETA, purse, _pay(amount)(purse.address)) for amount in (700, _TOO_MUCH)]
    good, bad = (_asked(side, BETA, lambda one, raw=raw: one.simulate(raw)) for raw in raws)  # type: ignore[misc]
    return [good > 0, bad]


@case
def refund_simulated_with_a_sequence_that_is_ahead(side: Side) -> Any:
    purse = side.purse()
    raw = side.sign(ALPHA, purse, _pay(700)(purse.address), sequence=7)
    return _asked(side, ALPHA, lambda one: one.simulate(raw))
