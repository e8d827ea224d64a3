"""Idempotency keys: the same key and words get the same answer for ever."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any

from relayclear.errors import RefusedError
from relayclear.store.db import Reads, Transaction
from relayclear.store.values import json_text, read_json, time_text

ADD_ANSWER = "INSERT INTO answers (key, words, answer, answered_at) VALUES (?, ?, ?, ?)"
SELECT_ANSWER = "SELECT words, answer FROM answers WHERE key = ?"


def answer(reads: Reads, key: str, words: Sequence[str]) -> Any:
    """What was answered to the key, None before the first time.

    `words` are the command's own, in their canonical order.  Raises RefusedError when the key was
    used with others.
    """
    row = reads.row(SELECT_ANSWER, (key,))
    if row is None:
        return None
    if row[0] != _hash(words):
        hint = "use another --idempotency-key for another request"
        raise RefusedError(
            f"the idempotency key {key!r} was used for another request", hint=hint, code="idempotency_key_reused"
        )
    return read_json(row[1])


def remember_answer(tx: Transaction, key: str, words: Sequence[str], answered: Any, at: datetime) -> None:
    """Keep a JSON value as the key's answer, in the commit of what it tells of.

    Raises RuleBrokenError when the key has one: two processes asked at once, and the whole
    transaction of the second is taken back.  None can't be an answer: ValueError.
    """
    if answered is None:
        raise ValueError("None means that there is no answer yet")
    tx.execute(ADD_ANSWER, (key, _hash(words), json_text(answered), time_text(at)))


def _hash(words: Sequence[str]) -> str:
    return sha256(json_text(list(words)).encode()).hexdigest()
