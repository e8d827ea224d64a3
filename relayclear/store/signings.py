"""What was signed, where it was sent, and what used each sequence of a wallet's account."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from relayclear.ibc.coin import Coin
from relayclear.ibc.spending import OUT_OF_GAS, SequenceUse, SpentOutput
from relayclear.money.sending import LiveSigning
from relayclear.store.db import Reads, Row, Transaction
from relayclear.store.values import (
    coins_text,
    json_text,
    keys_text,
    read_coins,
    read_json,
    read_keys,
    read_time,
    time_text,
)

ADD_SIGNING = """
INSERT INTO signings (tx_hash, refund_id, chain, address, sequence, timeout_height, at_height, fee, gas, raw, signed_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
ADD_BROADCAST = "INSERT INTO broadcasts (tx_hash, at_height, code, answer, sent_at) VALUES (?, ?, ?, ?, ?)"
ADD_ASSUMED = "INSERT INTO assumed_dead (tx_hash, who, why, assumed_at) VALUES (?, ?, ?, ?)"
ADD_USE = """
INSERT INTO sequence_uses (chain, address, sequence, tx_hash, height, included_at, code, memo, fee, outputs, packets,
  read_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (chain, address, sequence) DO NOTHING RETURNING tx_hash"""
SET_BEGIN = """
INSERT INTO wallet_begins (chain, address, sequence, height) VALUES (?, ?, ?, ?)
ON CONFLICT (chain, address) DO UPDATE SET sequence = excluded.sequence, height = excluded.height"""

_SIGNING = """g.tx_hash, g.refund_id, g.chain, g.address, g.sequence, g.timeout_height, g.at_height, g.fee, g.gas,
  g.raw, g.signed_at, (SELECT max(b.at_height) FROM broadcasts b WHERE b.tx_hash = g.tx_hash), d.why"""
_ASSUMED = "LEFT JOIN assumed_dead d ON d.tx_hash = g.tx_hash"
_UNUSED = """NOT EXISTS (SELECT 1 FROM sequence_uses u WHERE u.chain = g.chain AND u.address = g.address
  AND u.sequence = g.sequence)"""
# ruff: noqa: S608 - the texts joined here are the ones above
SELECT_SIGNING = f"SELECT {_SIGNING} FROM signings g {_ASSUMED} WHERE g.tx_hash = ?"
SELECT_OF_REFUND = f"SELECT {_SIGNING} FROM signings g {_ASSUMED} WHERE g.refund_id = ? ORDER BY g.signed_at"
SELECT_LIVE_OF_REFUND = f"""
SELECT {_SIGNING} FROM signings g {_ASSUMED} WHERE g.refund_id = ? AND d.tx_hash IS NULL AND {_UNUSED}
ORDER BY g.signed_at DESC LIMIT 1"""
SELECT_AT_SEQUENCE = f"""
SELECT {_SIGNING} FROM signings g {_ASSUMED} WHERE g.chain = ? AND g.address = ? AND g.sequence = ?
ORDER BY g.signed_at"""
SELECT_RAN_OUT = """
SELECT coalesce(max(g.gas), 0) FROM signings g JOIN sequence_uses u ON u.tx_hash = g.tx_hash
WHERE g.refund_id = ? AND u.code = ?"""
SELECT_BROADCASTS = "SELECT at_height, code, answer, sent_at FROM broadcasts WHERE tx_hash = ? ORDER BY id"

_USE = "address, sequence, tx_hash, height, included_at, code, memo, fee, outputs, packets"
SELECT_LAST_USE = f"""
SELECT {_USE} FROM sequence_uses WHERE chain = ? AND address = ? ORDER BY sequence DESC LIMIT 1"""
SELECT_BEGIN = "SELECT sequence, height FROM wallet_begins WHERE chain = ? AND address = ?"
SELECT_USES = f"""
SELECT {_USE} FROM sequence_uses WHERE chain = ? AND address = ? AND sequence >= ? ORDER BY sequence LIMIT ?"""
SELECT_USE_BY_TX = f"SELECT {_USE} FROM sequence_uses WHERE tx_hash = ? AND chain = ? AND address = ?"

SELECT_USES_OF_TX = f"SELECT chain, {_USE} FROM sequence_uses WHERE tx_hash = ? ORDER BY chain, address"


@dataclass(frozen=True, slots=True)
class Signing:
    """A signed transaction of ours; `refund_id` is None where it only uses up the sequence.

    `sent_at` is the height of its last broadcast, None for never; `assumed_dead` why a person took
    it for dead though no node shows it.
    """

    tx_hash: str
    refund_id: str | None
    chain: str
    address: str
    sequence: int
    timeout_height: int
    at_height: int
    fee: Coin
    gas: int
    raw: bytes
    signed_at: datetime
    sent_at: int | None = None
    assumed_dead: str | None = None

    @property
    def live(self) -> LiveSigning:
        """As the rules see it."""
        return LiveSigning(self.tx_hash, self.refund_id, self.sequence, self.timeout_height, self.sent_at)


class Sent(NamedTuple):
    """One broadcast: at which newest block, and the answer; `code` None where none came."""

    at_height: int
    code: int | None
    answer: str
    at: datetime


class Beginning(NamedTuple):
    """All sequences of an account below `sequence` were used in blocks up to `height`; those from it on are read."""

    sequence: int
    height: int


def add(tx: Transaction, signing: Signing) -> None:
    """Keep the very bytes, before anybody else sees them.  Raises RuleBrokenError for a hash that is known."""
    raw = base64.b64encode(signing.raw).decode()
    place = (signing.chain, signing.address, signing.sequence, signing.timeout_height, signing.at_height)
    cost = (coins_text([signing.fee]), signing.gas)
    tx.execute(ADD_SIGNING, (signing.tx_hash, signing.refund_id, *place, *cost, raw, time_text(signing.signed_at)))


def add_broadcast(tx: Transaction, tx_hash: str, sent: Sent) -> None:
    """Keep that bytes were sent, and what was answered."""
    tx.execute(ADD_BROADCAST, (tx_hash, sent.at_height, sent.code, sent.answer, time_text(sent.at)))


def assume_dead(tx: Transaction, tx_hash: str, who: str, why: str, at: datetime) -> None:
    """Take a signing for dead by a person's word."""
    tx.execute(ADD_ASSUMED, (tx_hash, who, why, time_text(at)))


def add_use(tx: Transaction, chain: str, use: SequenceUse, at: datetime) -> bool:
    """Keep what used a sequence; False where that is known."""
    outputs = json_text([[one.ordinal, one.to, one.coin.denom, str(one.coin.amount)] for one in use.outputs])
    told = (use.tx_hash, use.height, time_text(use.at), use.code, use.memo, coins_text(use.fee), outputs)
    row = (chain, use.address, use.sequence, *told, keys_text(use.packets), time_text(at))
    return bool(tx.execute(ADD_USE, row))


def ran_out_at(reads: Reads, refund_id: str) -> int:
    """The most gas that a transaction of a refund had and didn't do with; 0 where none ran out of it."""
    [(gas,)] = reads.rows(SELECT_RAN_OUT, (refund_id, OUT_OF_GAS))
    return int(gas)


def get(reads: Reads, tx_hash: str) -> Signing | None:
    """The signing of a hash."""
    return next(map(_signing, reads.rows(SELECT_SIGNING, (tx_hash,))), None)


def of_refund(reads: Reads, refund_id: str) -> list[Signing]:
    """Everything that was ever signed for a refund, oldest first."""
    return [_signing(row) for row in reads.rows(SELECT_OF_REFUND, (refund_id,))]


def live_of(reads: Reads, refund_id: str) -> Signing | None:
    """The newest signing of a refund that may still land: nothing is known to have used its sequence."""
    return next(map(_signing, reads.rows(SELECT_LIVE_OF_REFUND, (refund_id,))), None)


def at_sequence(reads: Reads, chain: str, address: str, sequence: int) -> list[Signing]:
    """What was signed on a sequence of the account, oldest first: the chain lets at most one of them land."""
    return [_signing(row) for row in reads.rows(SELECT_AT_SEQUENCE, (chain, address, sequence))]


def broadcasts(reads: Reads, tx_hash: str) -> list[Sent]:
    """Every time that bytes were sent."""
    return [
        Sent(height, code, answer, read_time(at))
        for height, code, answer, at in reads.rows(SELECT_BROADCASTS, (tx_hash,))
    ]


def last_use(reads: Reads, chain: str, address: str) -> SequenceUse | None:
    """What used the highest sequence that is known used."""
    return next(map(_use, reads.rows(SELECT_LAST_USE, (chain, address))), None)


def begin(tx: Transaction, chain: str, address: str, beginning: Beginning) -> None:
    """Say from where on the account is read."""
    tx.execute(SET_BEGIN, (chain, address, *beginning))


def beginning(reads: Reads, chain: str, address: str) -> Beginning | None:
    """From where on the account is read, None where it never was."""
    row = reads.row(SELECT_BEGIN, (chain, address))
    return None if row is None else Beginning(*row)


def uses(reads: Reads, chain: str, address: str, since: int = 0, limit: int = 1_000_000) -> list[SequenceUse]:
    """What used the sequences from one on, in their order."""
    return [_use(row) for row in reads.rows(SELECT_USES, (chain, address, since, limit))]


def use_of_tx(reads: Reads, chain: str, address: str, tx_hash: str) -> SequenceUse | None:
    """The use that a transaction made, None for one that used no sequence of the account."""
    return next(map(_use, reads.rows(SELECT_USE_BY_TX, (tx_hash, chain, address))), None)


def use_on(reads: Reads, chain: str, tx_hash: str) -> SequenceUse | None:
    """The use that a transaction made of whichever account of ours on a chain, None for one that made none."""
    return next((use for of, use in uses_of_tx(reads, tx_hash) if of == chain), None)


def uses_of_tx(reads: Reads, tx_hash: str) -> list[tuple[str, SequenceUse]]:
    """The uses that a transaction made of any account of ours, each with its chain."""
    return [(chain, _use(tuple(row))) for chain, *row in reads.rows(SELECT_USES_OF_TX, (tx_hash,))]


def _signing(row: Row) -> Signing:
    tx_hash, refund_id, chain, address, sequence, timeout, height, fee, gas, raw, signed_at, sent_at, dead = row
    [coin] = read_coins(fee)
    return Signing(
        tx_hash,
        refund_id,
        chain,
        address,
        sequence,
        timeout,
        height,
        coin,
        gas,
        base64.b64decode(raw),
        read_time(signed_at),
        sent_at,
        dead,
    )


def _use(row: Row) -> SequenceUse:
    address, sequence, tx_hash, height, at, code, memo, fee, outputs, packets = row
    return SequenceUse(
        address,
        sequence,
        tx_hash,
        height,
        read_time(at),
        code,
        memo,
        read_coins(fee),
        tuple(_outputs(read_json(outputs))),
        read_keys(packets),
    )


def _outputs(rows: Iterable[Row]) -> Iterable[SpentOutput]:
    return (SpentOutput(ordinal, to, Coin(denom, int(amount))) for ordinal, to, denom, amount in rows)
