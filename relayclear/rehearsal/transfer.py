"""Coins over channels (ICS-20): escrow, vouchers, acknowledgements and refunds, as ibc-go v8 and v10 do it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from cosmpy.protos.cosmos.base.v1beta1 import coin_pb2

from relayclear.rehearsal import bank
from relayclear.rehearsal.context import Context
from relayclear.rehearsal.events import Event, event
from relayclear.rehearsal.failures import IBC, SDK, TRANSFER, TxFailure
from relayclear.rehearsal.keys import decode_address, escrow_address, module_address
from relayclear.rehearsal.store import View

PORT = "transfer"
SUCCESS = b'{"result":"AQ=="}'
# Understood by chains of the newer generation only, as by the test network's: the acknowledgement is never written.
HOLD_MEMO = '{"hold_ack":true}'
_CHANNEL = re.compile(r"channel-[0-9]{1,20}")
_AMOUNT = re.compile(r"[0-9]{1,78}")


@dataclass(frozen=True, slots=True)
class Denom:
    """A coin's base and the hops it came over, the last one first."""

    trace: tuple[tuple[str, str], ...]
    base: str

    @classmethod
    def parse(cls, path: str) -> Denom:
        """Read `transfer/channel-0/uatom`."""
        parts, hops = path.split("/"), list[tuple[str, str]]()
        while len(parts) > 2 and _CHANNEL.fullmatch(parts[1]):  # noqa: PLR2004  port, channel, and a base behind
            hops.append((parts[0], parts[1]))
            parts = parts[2:]
        return cls(tuple(hops), "/".join(parts))

    @property
    def path(self) -> str:
        """The whole path, as packets carry it."""
        return "/".join([*("/".join(hop) for hop in self.trace), self.base])

    @property
    def hash(self) -> str:
        """The upper-case hex by which chains name the path."""
        return sha256(self.path.encode()).hexdigest().upper()

    @property
    def on_chain(self) -> str:
        """What the coin is called on the chain that holds it."""
        return f"ibc/{self.hash}" if self.trace else self.base

    def json(self) -> dict[str, Any]:
        """The denom as ibc-go v10's events write it."""
        hops = [{"port_id": port, "channel_id": channel} for port, channel in self.trace]
        return {"base": self.base, "trace": hops or None}


def stored(view: View, denom_hash: str) -> Denom | None:
    """The denom behind a hash, None when the chain never saw it."""
    found: Denom | None = view.get(f"transfer:denom/{denom_hash.upper()}")
    return found


def packet_data(ctx: Context, msg: Any, denom: str) -> bytes:
    """A transfer's packet data, byte for byte as ibc-go writes it: v8 sorts the fields, later ones don't."""
    fields = {"denom": denom, "amount": msg.token.amount, "sender": msg.sender, "receiver": msg.receiver}
    kept = {**fields, **({"memo": msg.memo} if msg.memo else {})}
    return _go_json(dict(sorted(kept.items())) if ctx.spec.old else kept)


def take(ctx: Context, msg: Any) -> bytes:
    """Take the coins of a MsgTransfer from the sender, and give the data of the packet to send.  Raises TxFailure."""
    coin, port, channel = msg.token, msg.source_port, msg.source_channel
    denom = Denom.parse(coin.denom)
    if coin.denom.startswith("ibc/"):
        known = stored(ctx.store, coin.denom.removeprefix("ibc/"))
        if known is None:
            raise TxFailure(TRANSFER, 6, coin.denom.removeprefix("ibc/"))
        denom = known
    module = module_address(PORT, ctx.spec.prefix)
    if denom.trace and denom.trace[0] == (port, channel):
        bank.send(ctx, msg.sender, module, [coin])
        bank.burn(ctx, module, [coin])
    else:
        bank.send(ctx, msg.sender, escrow_address(port, channel, ctx.spec.prefix), [coin])
    return packet_data(ctx, msg, denom.path)


def sent(ctx: Context, msg: Any) -> None:
    """Emit what a chain says of a transfer that left."""
    rows = [("sender", msg.sender), ("receiver", msg.receiver)]
    if ctx.spec.old:
        rows += [("amount", msg.token.amount), ("denom", msg.token.denom)]
    else:
        known = stored(ctx.store, msg.token.denom.removeprefix("ibc/"))
        rows += [("denom", known.path if known else msg.token.denom), ("amount", msg.token.amount)]
    ctx.emit(Event("ibc_transfer", (*rows, ("memo", msg.memo))), event("message", module="transfer"))


def received(ctx: Context, packet: Any) -> tuple[bytes | None, bool]:
    """Hand out the coins of a packet: the acknowledgement (None: it comes later) and whether it is a success."""
    data, failure = _decoded(packet.data), None
    try:
        _hand_out(ctx, packet, data)
    except TxFailure as failed:
        failure = failed
    rows = [("module", "transfer")] if ctx.spec.old else []
    rows += [(key, data.get(key, "")) for key in ("sender", "receiver", "denom", "amount", "memo")]
    rows.append(("success", "false" if failure else "true"))
    if failure:
        rows.append(("error", failure.log))
    ctx.emit(Event("fungible_token_packet", tuple(rows)))
    if not ctx.spec.old:
        ctx.emit(event("message", module="transfer"))
    if failure:
        said = f"ABCI code: {failure.code}: error handling packet: see events for details"
        return _go_json({"error": said}), False
    held = not ctx.spec.old and data.get("memo") == HOLD_MEMO
    return (None if held else SUCCESS), True


def acknowledged(ctx: Context, packet: Any, acknowledgement: dict[str, str]) -> None:
    """A transfer's acknowledgement: an error gives the coins back."""
    data, error = _decoded(packet.data), acknowledgement.get("error")
    if error is not None:
        _refund(ctx, packet, data)
    shown = f'error:"{error}" ' if error is not None else 'result:"\\001" '
    rows = [("module", "transfer")] if ctx.spec.old else []
    rows += [(key, data.get(key, "")) for key in ("sender", "receiver", "denom", "amount", "memo")]
    ctx.emit(Event("fungible_token_packet", (*rows, ("acknowledgement", shown))))
    if not ctx.spec.old:
        ctx.emit(event("message", module="transfer"))
    last = ("error", error) if error is not None else ("success", "\x01")
    ctx.emit(Event("fungible_token_packet", (last,)))


def timed_out(ctx: Context, packet: Any) -> None:
    """A transfer that was never received: the coins go back."""
    data = _decoded(packet.data)
    _refund(ctx, packet, data)
    if ctx.spec.old:
        made = event(
            "timeout",
            module="transfer",
            refund_receiver=data["sender"],
            refund_denom=data["denom"],
            refund_amount=data["amount"],
            memo=data.get("memo", ""),
        )
        ctx.emit(made)
        return
    token = json.dumps({"denom": Denom.parse(data["denom"]).json(), "amount": data["amount"]}, separators=(",", ":"))
    made = event("timeout", receiver=data["sender"], refund_tokens=token, memo=data.get("memo", ""))
    ctx.emit(made, event("message", module="transfer"))


def _hand_out(ctx: Context, packet: Any, data: dict[str, str]) -> None:
    amount = data.get("amount", "")
    if not _AMOUNT.fullmatch(amount):
        words = f"unable to parse transfer amount ({amount}) into math.Int"
        raise TxFailure(TRANSFER, 5, "error validating ICS-20 transfer packet data", words)
    receiver = data["receiver"]
    try:
        decode_address(receiver, ctx.spec.prefix)
    except ValueError as refused:
        said = f"failed to decode receiver address: {receiver}"
        # The older one wraps an error of no code of its own, and its acknowledgement says 1.
        raise _Uncoded(f"{said}: {refused}") if ctx.spec.old else TxFailure(IBC, 5, said) from refused
    denom, hop = Denom.parse(data["denom"]), (packet.source_port, packet.source_channel)
    if denom.trace and denom.trace[0] == hop:
        home = Denom(denom.trace[1:], denom.base)
        here = escrow_address(packet.destination_port, packet.destination_channel, ctx.spec.prefix)
        bank.send(ctx, here, receiver, [_coin(home, amount)])
        return
    voucher = Denom(((packet.destination_port, packet.destination_channel), *denom.trace), denom.base)
    ctx.store.set(f"transfer:denom/{voucher.hash}", voucher)
    if ctx.spec.old:
        ctx.emit(event("denomination_trace", trace_hash=voucher.hash, denom=voucher.on_chain))
    else:
        shown = json.dumps(voucher.json(), separators=(",", ":"))
        ctx.emit(event("denomination", denom_hash=voucher.hash, denom=shown))
    module = module_address(PORT, ctx.spec.prefix)
    bank.mint(ctx, module, [_coin(voucher, amount)])
    bank.send(ctx, module, receiver, [_coin(voucher, amount)])


def _refund(ctx: Context, packet: Any, data: dict[str, str]) -> None:
    port, channel, denom = packet.source_port, packet.source_channel, Denom.parse(data["denom"])
    coin, sender = _coin(denom, data["amount"]), data["sender"]
    if denom.trace and denom.trace[0] == (port, channel):
        module = module_address(PORT, ctx.spec.prefix)
        bank.mint(ctx, module, [coin])
        bank.send(ctx, module, sender, [coin])
    else:
        bank.send(ctx, escrow_address(port, channel, ctx.spec.prefix), sender, [coin])


class _Uncoded(TxFailure):
    """An error that no module registered: code 1."""

    def __init__(self, log: str) -> None:
        super().__init__(SDK, 18)
        self.codespace, self.code, self.log = "undefined", 1, log


def _coin(denom: Denom, amount: str) -> Any:
    return coin_pb2.Coin(denom=denom.on_chain, amount=amount)


def _decoded(data: bytes) -> dict[str, str]:
    try:
        found = json.loads(data)
    except ValueError:
        return {}
    return {str(key): str(value) for key, value in found.items()} if isinstance(found, dict) else {}


def _go_json(fields: dict[str, str]) -> bytes:
    """JSON as Go's encoder writes it: no spaces, and what HTML would read as its own is escaped."""
    text = json.dumps(fields, separators=(",", ":"), ensure_ascii=False)
    for bad in "<>&\u2028\u2029":
        text = text.replace(bad, f"\\u{ord(bad):04x}")
    return text.encode()
