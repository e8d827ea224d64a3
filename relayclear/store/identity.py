"""What names this database for ever: the instance id, and small facts that are said once."""

from __future__ import annotations

import secrets

from relayclear.store.db import Reads, Transaction

ADD_FACT = "INSERT INTO identity (name, value) VALUES (?, ?) ON CONFLICT (name) DO NOTHING"
SELECT_FACT = "SELECT value FROM identity WHERE name = ?"

_INSTANCE = "instance"
_INSTANCE_BYTES = 8


def instance_id(tx: Transaction) -> str:
    """The id of this database, 16 random hex characters: made the first time it is asked for."""
    return say_once(tx, _INSTANCE, secrets.token_hex(_INSTANCE_BYTES))


def say_once(tx: Transaction, name: str, value: str) -> str:
    """Keep a small fact; the one that stands, which is the first that was said."""
    tx.execute(ADD_FACT, (name, value))
    return str(tx.rows(SELECT_FACT, (name,))[0][0])


def fact(reads: Reads, name: str) -> str | None:
    """The fact of that name, None where nobody said it."""
    row = reads.row(SELECT_FACT, (name,))
    return row[0] if row else None
