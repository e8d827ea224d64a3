"""How nodes, Hermes, gas and scans were found at the last look, and at the last good one.  Coordination."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any

from relayclear.store.db import Reads, Row, Transaction
from relayclear.store.values import json_text, optional_time_text, read_json, read_optional_time, read_time, time_text

# A failed look that found nothing keeps what the last good one did.
SET_VITAL = """
INSERT INTO vitals (kind, name, tried_at, good_at, error, detail) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (kind, name) DO UPDATE SET tried_at = excluded.tried_at, error = excluded.error,
  good_at = coalesce(excluded.good_at, good_at),
  detail = CASE WHEN excluded.detail = '{}' THEN detail ELSE excluded.detail END"""
SELECT_VITALS = "SELECT kind, name, tried_at, good_at, error, detail FROM vitals ORDER BY kind, name"
SELECT_OF_KIND = "SELECT kind, name, tried_at, good_at, error, detail FROM vitals WHERE kind = ? ORDER BY name"
DROP_VITAL = "DELETE FROM vitals WHERE kind = ? AND name = ?"


_KEPT = 1024
"""Rows that are remembered as read, some 2 kB each: a hub of 200 channels has 400 paths."""


class Kind(StrEnum):
    """What a vital is of; its name then is the chain, ``CHAIN/URL``, the config's path, ``CHAIN/ROLE``, the end.

    `PATH` is what holds for every packet that an end sends: the other end, states, clients.
    """

    CHAIN = "chain"
    ENDPOINT = "endpoint"
    HERMES = "hermes"
    GAS = "gas"
    PACKETS = "packets"
    SCAN = "scan"
    PATH = "path"


@dataclass(frozen=True, slots=True)
class Vital:
    """One look.  `good_at` is None where it failed; where it found no detail, the one before stays."""

    kind: Kind
    name: str
    tried_at: datetime
    good_at: datetime | None
    error: str | None
    detail: Mapping[str, Any] = field(default_factory=dict)


def keep(tx: Transaction, found: Iterable[Vital]) -> None:
    """Keep what was found, each in the place of the look before."""
    rows = (
        (
            one.kind,
            one.name,
            time_text(one.tried_at),
            optional_time_text(one.good_at),
            one.error,
            json_text(dict(one.detail)),
        )
        for one in found
    )
    tx.execute_each(SET_VITAL, rows)


def drop(tx: Transaction, names: Iterable[tuple[Kind, str]]) -> None:
    """Forget what isn't looked at any more: an endpoint that left the config."""
    tx.execute_each(DROP_VITAL, names)


def every(reads: Reads) -> list[Vital]:
    """All there are, by kind and name."""
    return [_vital(row) for row in reads.rows(SELECT_VITALS)]


def of_kind(reads: Reads, kind: Kind) -> list[Vital]:
    """Those of one kind, by name."""
    return [_vital(row) for row in reads.rows(SELECT_OF_KIND, (kind,))]


@lru_cache(_KEPT)
def _vital(row: Row) -> Vital:
    # A screen asks for those of all paths after every commit, and few of them are others than before.
    kind, name, tried_at, good_at, error, detail = row
    return Vital(Kind(kind), name, read_time(tried_at), read_optional_time(good_at), error, read_json(detail))
