"""Transactions of a wallet that are neither refunds of ours nor explained by the operator."""

from __future__ import annotations

from relayclear.ibc.spending import SequenceUse
from relayclear.store import signings
from relayclear.store.db import Reads, Transaction

ADD = "INSERT INTO unexplained (chain, address, sequence) VALUES (?, ?, ?)"
DROP = "DELETE FROM unexplained WHERE chain = ? AND address = ? AND sequence = ? RETURNING chain"
SELECT = "SELECT sequence FROM unexplained WHERE chain = ? AND address = ? ORDER BY sequence"
SELECT_ALL = "SELECT chain, address, sequence FROM unexplained ORDER BY chain, address, sequence"


def add(tx: Transaction, chain: str, use: SequenceUse) -> None:
    """Say that nobody knows yet what it was."""
    tx.execute(ADD, (chain, use.address, use.sequence))


def drop(tx: Transaction, chain: str, use: SequenceUse) -> bool:
    """It is explained now; False where it was before."""
    return bool(tx.execute(DROP, (chain, use.address, use.sequence)))


def of_wallet(reads: Reads, chain: str, address: str) -> list[SequenceUse]:
    """Those of a wallet, by sequence: while there is one, nothing is signed."""
    numbers = [row[0] for row in reads.rows(SELECT, (chain, address))]
    return [use for number in numbers for use in signings.uses(reads, chain, address, number, 1)]


def every(reads: Reads) -> list[tuple[str, SequenceUse]]:
    """Those of all wallets, each with its chain."""
    rows = reads.rows(SELECT_ALL)
    return [(chain, use) for chain, address, number in rows for use in signings.uses(reads, chain, address, number, 1)]
