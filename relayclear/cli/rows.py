"""Rows of `--json`: snake_case, string amounts, integer sequences, RFC 3339 times."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from relayclear.clearing.operation import (
    Operation,
    OperationState,
    PacketAfter,
    PacketBefore,
    newest_results,
    operation_state,
)
from relayclear.cli.output import error_row, rfc3339
from relayclear.ibc.coin import Coin, DenomPath
from relayclear.ibc.packet import ChannelEnd, Packet, PacketKey, Transfer
from relayclear.ibc.readings import RelayTx
from relayclear.ibc.text import clean
from relayclear.ibc.triage import Blocked
from relayclear.usecases.views import PacketView, PathView, timeout_at

if TYPE_CHECKING:
    from relayclear.store.mutes import Mute

_UNREAD = dict.fromkeys(
    (
        "sent_at",
        "timeout_at",
        "timeout_height",
        "sender",
        "receiver",
        "coin",
        "denom",
        "memo",
        "send_tx",
        "details_verified",
    )
)


def coin_row(coin: Coin | None) -> dict[str, str] | None:
    """A Cosmos coin."""
    return {"denom": coin.denom, "amount": str(coin.amount)} if coin else None


def denom_row(denom: str) -> dict[str, Any]:
    """Where a denom comes from: the base, and the hops it came over, newest first."""
    path = DenomPath.parse(denom)
    return {"base": path.base, "hops": [{"port": port, "channel": channel} for port, channel in path.hops]}


def end_row(end: ChannelEnd) -> dict[str, str]:
    """A channel end."""
    return {"chain": end.chain, "port": end.port, "channel": end.channel}


def blocked_row(blocked: Blocked | None) -> dict[str, str] | None:
    """What stands in the way."""
    return {"reason": blocked.reason.value, "detail": blocked.detail} if blocked else None


def mute_row(mute: Mute | None) -> dict[str, Any] | None:
    """The mute that covers a packet."""
    return {"reason": mute.reason, "until": rfc3339(mute.until)} if mute else None


def packet_rows(views: Sequence[PacketView]) -> list[dict[str, Any]]:
    """Rows of many packets; what a path's packets share is built once."""
    ends: dict[int, dict[str, str]] = {}
    return [_packet_row(view, ends.setdefault(id(view.path), end_row(view.path.destination))) for view in views]


def _packet_row(view: PacketView, counterparty: dict[str, str]) -> dict[str, Any]:
    source, verdict = view.path.source, view.verdict
    return {
        "chain": source.chain,
        "port": source.port,
        "channel": source.channel,
        "sequence": view.sequence,
        "counterparty": counterparty,
        "class": verdict.packet_class.value,
        "blocked": blocked_row(verdict.blocked),
        "clearable": verdict.clearable,
        "muted": mute_row(view.muted),
        "first_seen": rfc3339(view.first_seen),
        "age_seconds": view.age_seconds,
        **(sending_row(view.packet, view.transfer) if view.packet else _UNREAD),
    }


def sending_row(packet: Packet | None, transfer: Transfer | None) -> dict[str, Any]:
    """What the send transaction told; all null where it wasn't read."""
    if packet is None:
        return _UNREAD
    return {
        "sent_at": rfc3339(packet.sent_at),
        "timeout_at": rfc3339(timeout_at(packet)),
        "timeout_height": None if packet.timeout_height.is_zero else str(packet.timeout_height),
        "sender": transfer.sender if transfer else None,
        "receiver": transfer.receiver if transfer else None,
        "coin": coin_row(transfer.coin) if transfer else None,
        "denom": denom_row(transfer.coin.denom) if transfer else None,
        "memo": transfer.memo if transfer else None,
        "send_tx": packet.send_tx,
        "details_verified": packet.verified,
    }


def path_row(path: PathView) -> dict[str, Any]:
    """One path of a list; counts are null, never 0, where it could not be read."""
    return {
        **end_row(path.path.source),
        "counterparty": end_row(path.path.destination),
        "status": "ok" if path.error is None else "failed",
        "error": error_row(path.error) if path.error else None,
        "last_good": {"at": rfc3339(path.last_good.at), "pending": path.last_good.pending} if path.last_good else None,
        "pending": path.pending,
        "stuck": path.stuck,
        "muted": path.muted,
        "oldest_sequence": path.oldest_sequence,
    }


def tx_row(tx: RelayTx) -> dict[str, Any]:
    """A relay transaction; `fee` is one coin, or a list where several were paid."""
    fees = [coin_row(fee) for fee in tx.fee]
    return {
        "chain": tx.chain,
        "step": tx.step.value,
        "hash": tx.hash,
        "height": tx.height,
        "relayer": tx.relayer,
        "fee": fees[0] if len(fees) == 1 else fees,
    }


def key_row(key: PacketKey) -> dict[str, Any]:
    """The name of a packet."""
    return {"chain": key.chain, "port": key.port, "channel": key.channel, "sequence": key.sequence}


def operation_row(operation: Operation) -> dict[str, Any]:
    """A clear with its proof."""
    results = newest_results(operation)
    before: dict[int, PacketBefore] = {}
    for attempt in operation.attempts:
        for packet in attempt.before:
            before.setdefault(packet.sequence, packet)
    return {
        "operation": operation.id,
        "state": operation_state(operation).value,
        "waits": _waits_row(operation),
        "requested_at": rfc3339(operation.requested_at),
        "path": {**end_row(operation.source), "counterparty": end_row(operation.destination)},
        "sequences": str(operation.sequences),
        **_hermes_rows(operation),
        "packets": [result_row(before[sequence], results[sequence]) for sequence in sorted(results)],
        "extra_packets": [key_row(key) for attempt in operation.attempts for key in attempt.extra],
    }


def _waits_row(operation: Operation) -> dict[str, Any] | None:
    """Until when it waits and why; None for one that doesn't wait."""
    task = operation.task
    if task is None or operation_state(operation) is not OperationState.WAITING:
        return None
    return {"until": rfc3339(task.until), "why": task.why and clean(task.why, 500), "given_up": task.given_up}


def _hermes_rows(operation: Operation) -> dict[str, Any]:
    runs = [
        {
            "version": attempt.run.version,
            "argv": list(attempt.run.argv),
            "exit_code": attempt.run.exit_code,
            "seconds": round(attempt.run.seconds, 3),
            "complaints": list(attempt.run.complaints),
        }
        for attempt in operation.attempts
        if attempt.run is not None
    ]
    return {"hermes": runs[-1] if runs else None, "runs": runs}


def result_row(before: PacketBefore, after: PacketAfter) -> dict[str, Any]:
    """One packet's fate and the proof of it."""
    from relayclear.usecases.proof import deciding_tx

    tx = deciding_tx(before, after)
    return {
        "sequence": after.sequence,
        "class_before": before.packet_class.value if before.packet_class else None,
        "fate": after.fate.value,
        "acknowledged": _acknowledged(after),
        "by": after.by.value,
        "reason": after.reason,
        "tx_hash": tx.hash if tx else None,
        "relayer": tx.relayer if tx else None,
        "txs": [tx_row(item) for item in after.txs],
        "proof": {
            "commitment_before": before.commitment.hex() if before.commitment else None,
            "height_before": heights_row(before.heights),
            "height_after": heights_row(after.heights),
            "received": after.received,
            "acknowledged": _acknowledged(after),
            "ack_success": after.ack_success,
        },
    }


def _acknowledged(after: PacketAfter) -> bool | None:
    """Gone from the source because its acknowledgement came back, not because it timed out."""
    if after.committed is None or after.received is None:
        return None
    return after.received and not after.committed


def heights_row(heights: Mapping[str, int]) -> dict[str, int]:
    """Heights by chain id, in stable order."""
    return dict(sorted(heights.items()))
