"""Transactions: batched, priced by a simulation, signed, broadcast, waited for (`rly/chain/cosmos/`).

What looks odd is the real program's: the account's sequence is remembered although others use the key too,
and the retry after a mismatch forgets to count on.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from relayclear.rehearsal.hermes import refusals
from relayclear.rehearsal.hermes.chain import Chain, QueryFailure
from relayclear.rehearsal.hermes.config import ChainConfig
from relayclear.rehearsal.hermes.failure import Failure, SendFailure
from relayclear.rehearsal.hermes.ibc_events import IbcEvent, chain_error, read
from relayclear.rehearsal.hermes.session import Session
from relayclear.rehearsal.spec import ChainSpec
from relayclear.rehearsal.transactions import Terms, encode

_POLL, _RETRY_DELAY = 0.1, 0.3
_SEQUENCE_MISMATCH = 32
_MISMATCH = re.compile(r"account sequence mismatch, expected (\d+), got (\d+)")
# About what a transaction holds beside its messages: fee, signature, memo of 50 bytes.
_ENVELOPE = 400
_STEPS = {
    "/ibc.core.channel.v1.MsgRecvPacket": "recv",
    "/ibc.core.channel.v1.MsgAcknowledgement": "ack",
    "/ibc.core.channel.v1.MsgTimeout": "timeout",
    "/ibc.core.channel.v1.MsgTimeoutOnClose": "timeout",
}


@dataclass(slots=True)
class _Sent:
    """A transaction that was handed in: what the node said, and its events once it is known to be over."""

    answer: dict[str, Any]
    messages: int
    events: list[IbcEvent] = field(default_factory=list)
    over: bool = False


def submit(session: Session, chain: Chain, messages: Sequence[Any], tracking: str) -> list[IbcEvent]:
    """Send messages, wait until they stand in blocks, and tell their events.

    Raises SendFailure when a chain refused one of the transactions, Failure for everything else.
    """
    with session.output.span("send_messages_and_wait_commit", {"chain": chain.id, "tracking_id": tracking}):
        if chain.account is None:
            chain.account = chain.look_up_account()
        sent = [_hand_in(session, chain, batch) for batch in batches(messages, chain.config)]
        _wait(session, chain, sent)
    return [event for one in sent for event in one.events]


def checked(events: Sequence[IbcEvent]) -> list[IbcEvent]:
    """The events.  Raises SendFailure when one of them is a chain's refusal."""
    for event in events:
        if event.name == "ChainError":
            raise SendFailure(f"failed to send message: ChainError({event.text})")
    return [*events]


def batches(messages: Sequence[Any], config: ChainConfig) -> list[list[Any]]:
    """Messages in transactions of `max_msg_num` and `max_tx_size`.  Raises Failure for one that fits in none."""
    made: list[list[Any]] = []
    size = 0
    for message in messages:
        length = len(message.SerializeToString())
        if length + _ENVELOPE > config.max_tx_size:
            raise Failure(f"message with length {length} is too large for a transaction")
        if not made or len(made[-1]) >= config.max_messages or size + length + _ENVELOPE > config.max_tx_size:
            made.append([])
            size = 0
        made[-1].append(message)
        size += length
    return made


def fee(config: ChainConfig, gas: int) -> tuple[int, int]:
    """Gas limit and fee for a simulated amount of gas; the price is the machine's number, as in the real one."""
    limit = min(math.floor(Fraction(config.gas.multiplier) * gas), config.gas.most)
    return limit, math.ceil(Fraction(config.gas.price) * limit)


def _hand_in(session: Session, chain: Chain, batch: list[Any]) -> _Sent:
    account = chain.account
    assert account is not None  # noqa: S101  looked up before the first batch
    place = {"chain": chain.id, "account.sequence": str(account.sequence)}
    with session.output.span("send_tx_with_account_sequence_retry", place):
        answer = _send_or_retry(session, chain, batch)
    sent = _Sent(answer, len(batch))
    if answer["code"]:
        words = f"check_tx (broadcast_tx_sync) on chain {chain.id} for Tx hash {answer['hash']} reports error: "
        words += f"code=Err({answer['code']}), log={refusals.quoted(answer['log'])}"
        sent.events, sent.over = [chain_error(words, chain.config.revision)] * len(batch), True
    elif session.faults.die_after in {_STEPS.get(message.type_url) for message in batch} - {None}:
        session.die()
    return sent


def _send_or_retry(session: Session, chain: Chain, batch: list[Any]) -> dict[str, Any]:
    output = session.output
    try:
        answer, estimate, simulated = _send(session, chain, batch)
    except Failure as failed:
        if not isinstance(failed, QueryFailure) or "account sequence mismatch" not in failed.log:
            output.error("gas estimation failed or encountered another unrecoverable error", {"error": str(failed)})
            raise
        said = "failed to estimate gas because of a mismatched account sequence number, "
        output.warn(said + "refreshing account sequence number and retrying once", {"error": str(failed)})
        return _refresh_and_send(session, chain, batch)
    if answer["code"] == _SEQUENCE_MISMATCH:
        said = "failed to broadcast tx because of a mismatched account sequence number, "
        output.warn(
            said + "refreshing account sequence number and retrying once", {"response": refusals.response(answer)}
        )
        return _refresh_and_send(session, chain, batch)
    _judge(session, chain, answer, estimate, simulated=simulated)
    return answer


def _judge(session: Session, chain: Chain, answer: dict[str, Any], estimate: int, *, simulated: bool) -> None:
    """Count the account's sequence on, or tell why the node didn't take the transaction."""
    shown, code = refusals.response(answer), int(answer["code"])
    if not code and chain.account is not None:
        chain.account.sequence += 1
    elif "packet messages are redundant" in answer["log"]:
        said = "broadcast tx was not completed, all packets in tx have been relayed already, no fees were consumed"
        session.output.info(said, {"response": shown, "diagnostic": answer["log"], "code": str(code)})
    elif code:
        diagnostic = str(Failure(refusals.diagnostic(code, estimate, simulated=simulated)))
        fields = {"response": shown, "diagnostic": diagnostic}
        session.output.error("failed to broadcast tx with unrecoverable error", fields)


def _refresh_and_send(session: Session, chain: Chain, batch: list[Any]) -> dict[str, Any]:
    chain.account = chain.look_up_account()
    session.wait(_RETRY_DELAY)
    answer, _, _ = _send(session, chain, batch)
    return answer


def _send(session: Session, chain: Chain, batch: list[Any]) -> tuple[dict[str, Any], int, bool]:
    """Simulate and broadcast: the node's answer, the gas it was reckoned with, whether a simulation said so."""
    most = chain.config.gas.most
    gas, simulated = _estimate(session, chain, _signed(chain, batch, most, fee(chain.config, most)[1]))
    if gas > most:
        raise Failure(f"{chain.id} gas estimate {gas} from simulated Tx exceeds the maximum configured {most}")
    if chain.config.gas.dynamic:
        said = "failed to query EIP base fee, will fallback to configured `gas_price`"
        session.output.warn(f"{said}: no fee market on chain {chain.id}")
    raw = _signed(chain, batch, *fee(chain.config, gas))
    return chain.broadcast(raw), gas, simulated


def _estimate(session: Session, chain: Chain, raw: bytes) -> tuple[int, bool]:
    try:
        return chain.simulate(raw), True
    except QueryFailure as failed:
        with session.output.span("estimate_gas"):
            if not _may_pass(failed.log):
                session.output.error(f"failed to simulate tx. propagating error to caller: {failed.words[0]}")
                raise
            said = "failed to simulate tx, falling back on default gas because the error is potentially recoverable"
            session.output.warn(f"{said}: {failed.words[0]}")
        return chain.config.gas.default, False


def _may_pass(log: str) -> bool:
    """Whether a transaction whose simulation failed may pass all the same (`rly/error.rs`)."""
    numbers = _MISMATCH.search(log)
    return (
        ("verification failed" in log and "client state height < proof height" in log)
        or (numbers is not None and int(numbers[1]) < int(numbers[2]))
        or "packet sequence is out of order" in log
        or "invalid empty tx" in log
    )


def _signed(chain: Chain, batch: list[Any], gas: int, amount: int) -> bytes:
    config, account = chain.config, chain.account
    assert account is not None  # noqa: S101  looked up before the first batch
    spec = ChainSpec(
        config.id,
        config.gas.denom,
        prefix=config.account_prefix,
        key_kind=config.key_kind,
        pub_key_type=config.public_key_type,
    )
    terms = Terms(
        account.sequence,
        account.number,
        gas,
        amount,
        config.memo,
        fee_denom=config.gas.denom,
        granter=config.gas.granter,
    )
    return encode(spec, batch, terms, key=chain.signer().key)


def _wait(session: Session, chain: Chain, sent: Sequence[_Sent]) -> None:
    """Wait until every transaction that was taken stands in a block.  Raises Failure when that takes too long."""
    waiting = [one for one in sent if not one.over]
    if waiting:
        hashes = ", ".join(one.answer["hash"] for one in waiting)
        session.output.debug(f"waiting for commit of tx hashes(s) {hashes}")
    until = session.clock() + chain.config.rpc_timeout
    while waiting:
        if session.clock() > until:
            raise Failure("failed tx: no confirmation")
        session.wait(_POLL)
        for one in waiting:
            _look(chain, one)
        waiting = [one for one in waiting if not one.over]


def _look(chain: Chain, sent: _Sent) -> None:
    try:
        found = chain.transaction(sent.answer["hash"])
    except Failure:
        # A node that is away for a moment is asked again until the time is over.
        return
    if found is None:
        return
    sent.over, result = True, found["tx_result"]
    height = f"{chain.config.revision}-{found['height']}"
    if result["code"]:
        words = f"deliver_tx for {sent.answer['hash']} reports error: code=Err({result['code']}), "
        words += f"log={refusals.quoted(result['log'])}"
        sent.events = [IbcEvent("ChainError", words, words, height)] * sent.messages
    else:
        sent.events = read(result["events"], height)
