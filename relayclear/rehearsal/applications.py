"""What stands behind a port: transfers, and the mock module of ibc-go's test chains."""

from __future__ import annotations

import json
from typing import Any

from relayclear.rehearsal import transfer
from relayclear.rehearsal.context import Context
from relayclear.rehearsal.events import event

_MOCK_DATA = b"mock packet data"
_MOCK_ASYNC = b"mock async packet data"
_MOCK_SUCCESS = b'{"result":"bW9jayBhY2tub3dsZWRnZW1lbnQ="}'
_MOCK_ERROR = b'{"error":"ABCI code: 1: error handling packet: see events for details"}'


def received(ctx: Context, packet: Any) -> tuple[bytes | None, bool]:
    """Hand a packet to its application: the acknowledgement (None: it comes later) and whether all is well."""
    if packet.destination_port == transfer.PORT:
        return transfer.received(ctx, packet)
    ctx.emit(event("mock-recv-packet"))
    if packet.data == _MOCK_DATA:
        return _MOCK_SUCCESS, True
    return (None, True) if packet.data == _MOCK_ASYNC else (_MOCK_ERROR, False)


def acknowledged(ctx: Context, packet: Any, acknowledgement: bytes) -> None:
    """Tell a packet's application that its acknowledgement is back."""
    if packet.source_port == transfer.PORT:
        transfer.acknowledged(ctx, packet, json.loads(acknowledgement))
    else:
        ctx.emit(event("mock-ack-packet"))


def timed_out(ctx: Context, packet: Any) -> None:
    """Tell a packet's application that it timed out."""
    if packet.source_port == transfer.PORT:
        transfer.timed_out(ctx, packet)
    else:
        ctx.emit(event("mock-timeout"))
