"""Names of what the database remembers, as they are typed: for a shell that waits on every tab.

Only texts, and of each kind the newest: to make facts of them, and load what that takes, is longer than a person waits.
"""

from __future__ import annotations

from relayclear.store.db import Reads

SELECT_CHAINS = "SELECT DISTINCT chain FROM ends ORDER BY chain"
SELECT_CHANNELS = "SELECT channel FROM ends WHERE ? IN ('', chain)"
SELECT_PATHS = "SELECT chain, port, channel FROM ends ORDER BY chain, channel, port"
SELECT_WAITING = """
SELECT s.first_sequence, s.last_sequence FROM sightings s JOIN ends e ON e.id = s.end_id
WHERE e.chain = ? AND e.port = ? AND e.channel = ? ORDER BY s.first_sequence LIMIT ?"""
SELECT_OPERATIONS = "SELECT id FROM operations WHERE requested_at > '' ORDER BY requested_at DESC LIMIT ?"
SELECT_GIVEN_UP = "SELECT key FROM tasks WHERE status = 'dead' ORDER BY ended_at DESC LIMIT ?"
SELECT_TOKENS = "SELECT memo FROM tokens WHERE made_at > '' ORDER BY made_at DESC, order_id DESC LIMIT ?"
SELECT_PAYMENTS = "SELECT tx_hash FROM payments WHERE included_at > '' ORDER BY included_at DESC LIMIT ?"
SELECT_REFUNDS = "SELECT id FROM refunds WHERE made_at > '' ORDER BY made_at DESC, id DESC LIMIT ?"
SELECT_OPEN_GAPS = """
SELECT id FROM gaps WHERE NOT EXISTS (SELECT 1 FROM gap_acceptances a WHERE a.gap_id = gaps.id) ORDER BY id LIMIT ?"""
SELECT_MUTES = """
SELECT chain, port, channel, sequences FROM mutes WHERE ended_at IS NULL AND (until IS NULL OR until > ?)
ORDER BY muted_at DESC LIMIT ?"""
SELECT_KEYS = "SELECT kid FROM tokens WHERE made_at > '' ORDER BY made_at DESC LIMIT ?"
SELECT_BREAKERS = "SELECT name FROM breakers ORDER BY name"


def chains(reads: Reads) -> list[str]:
    """Chains that were ever looked at."""
    return _texts(reads, SELECT_CHAINS)


def channels(reads: Reads, chain: str = "") -> list[str]:
    """Channels that were ever looked at, of a chain or of all."""
    return _texts(reads, SELECT_CHANNELS, chain)


def paths(reads: Reads) -> list[str]:
    """Channels with their chain, ``CHAIN/CHANNEL``; the port between them where it isn't transfer."""
    return [_path(*row) for row in reads.rows(SELECT_PATHS)]


def waiting(reads: Reads, chain: str, port: str, channel: str, limit: int) -> list[int]:
    """Sequences that were pending there at the last look, the lowest first."""
    found: list[int] = []
    for first, last in reads.rows(SELECT_WAITING, (chain, port, channel, limit)):
        # One row may stand for tens of thousands.
        found += range(first, min(last, first + limit) + 1)
    return found[:limit]


def operations(reads: Reads, limit: int) -> list[str]:
    """Ids of operations."""
    return _texts(reads, SELECT_OPERATIONS, limit)


def given_up(reads: Reads, limit: int) -> list[str]:
    """Keys of tasks that wait for a person."""
    return _texts(reads, SELECT_GIVEN_UP, limit)


def tokens(reads: Reads, limit: int) -> list[str]:
    """Memos of tokens."""
    return _texts(reads, SELECT_TOKENS, limit)


def payments(reads: Reads, limit: int) -> list[str]:
    """Transactions that paid."""
    return _texts(reads, SELECT_PAYMENTS, limit)


def refunds(reads: Reads, limit: int) -> list[str]:
    """Ids of refunds that were decided."""
    return _texts(reads, SELECT_REFUNDS, limit)


def open_gaps(reads: Reads, limit: int) -> list[str]:
    """Numbers of the gaps that nobody has accepted."""
    return _texts(reads, SELECT_OPEN_GAPS, limit)


def keys(reads: Reads, limit: int) -> list[str]:
    """Numbers of the keys that signed so many of the newest quotes."""
    return _texts(reads, SELECT_KEYS, limit)


def mutes(reads: Reads, now: str, limit: int) -> list[str]:
    """What is muted, as `packets unmute` takes it; `now` in RFC 3339, to the second."""
    rows = reads.rows(SELECT_MUTES, (now, limit))
    return [_path(*row[:3]) + (f"/{row[3]}" if row[3] else "") for row in rows]


def breakers(reads: Reads) -> list[str]:
    """Breakers that were ever open."""
    return _texts(reads, SELECT_BREAKERS)


def _texts(reads: Reads, statement: str, *values: str | int) -> list[str]:
    return list(dict.fromkeys(str(row[0]) for row in reads.rows(statement, values)))


def _path(chain: str, port: str, channel: str) -> str:
    return f"{chain}/{channel}" if port == "transfer" else f"{chain}/{port}/{channel}"
