"""Where questions about a chain's state go, and the pages they ask for."""

from __future__ import annotations

from typing import Any

from cosmpy.protos.cosmos.base.query.v1beta1 import pagination_pb2

AUTH = "/cosmos.auth.v1beta1.Query/"
BANK = "/cosmos.bank.v1beta1.Query/"
FEES = "/cosmos.feegrant.v1beta1.Query/"
TRANSFER = "/ibc.applications.transfer.v1.Query/"
CHANNEL = "/ibc.core.channel.v1.Query/"
CLIENT = "/ibc.core.client.v1.Query/"
CONNECTION = "/ibc.core.connection.v1.Query/"
UNKNOWN = "AB" * 32
"""A hash that belongs to nothing."""


def page_of(limit: int, key: bytes = b"") -> Any:
    """A page of so many rows, from a key on."""
    return pagination_pb2.PageRequest(limit=limit, key=key)
