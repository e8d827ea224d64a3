"""State -> word, glyph, colour and meaning: the one place where sentences are made for people."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from relayclear.clearing.operation import Operation, OperationState, PacketAfter, newest_results, operation_state
from relayclear.ibc import instant
from relayclear.ibc.coin import Coin, DenomPath
from relayclear.ibc.fate import Doer, Fate
from relayclear.ibc.packet import ChannelEnd, PacketKey
from relayclear.ibc.relayer import NODE_AWAY
from relayclear.ibc.text import clean
from relayclear.ibc.triage import Blocked, BlockReason, PacketClass
from relayclear.usecases.views import Waiting


@dataclass(frozen=True, slots=True)
class Word:
    """How one state is shown: the word itself, a glyph, a colour, and what it means."""

    word: str
    glyph: str
    style: str
    meaning: str


CLASSES = {
    PacketClass.PENDING: Word("pending", "?", "yellow", "sent and not delivered; its timeout has not been read"),
    PacketClass.IN_FLIGHT: Word("in_flight", "→", "cyan", "sent a moment ago; relayers may be at work"),
    PacketClass.STUCK: Word("stuck", "●", "red", "nobody delivers it"),
    PacketClass.TIMED_OUT: Word("timed_out", "◷", "red", "past its timeout: a clear gives it back to the sender"),
    PacketClass.TIMEOUT_ON_CLOSE: Word(
        "timeout_on_close", "◷", "red", "the receiving channel closed: a clear gives it back to the sender"
    ),
    PacketClass.ACK_MISSING: Word("ack_missing", "◐", "yellow", "delivered; the acknowledgement never came back"),
    PacketClass.ASYNC_ACK: Word(
        "async_ack", "◌", "cyan", "delivered; the receiving application hasn't given its word yet"
    ),
}

REASONS = {
    BlockReason.CLIENT_EXPIRED: "{detail}; only that chain's governance can revive it",
    BlockReason.CLIENT_FROZEN: "{detail} after misbehaviour; only that chain's governance can revive it",
    BlockReason.CLIENT_NOT_ACTIVE: "{detail}",
    BlockReason.CONNECTION_NOT_OPEN: "connection not open: {detail}",
    BlockReason.CHANNEL_NOT_OPEN: "channel not open: {detail}",
    BlockReason.EXCLUDED: "{detail}",
    BlockReason.TOO_LARGE: "too large: {detail}",
    BlockReason.ORDERED_BEHIND: "{detail}",
    BlockReason.NO_PACKET_DATA: "{detail}, so Hermes may not find its data either",
}

FATES = {
    Fate.ACKNOWLEDGED: Word("acknowledged", "✓", "green", "the acknowledgement is back on the source chain"),
    Fate.DELIVERED: Word("delivered", "✓", "green", "the receiver has the coins"),
    Fate.DELIVERED_WITH_ERROR: Word(
        "delivered with error", "!", "yellow", "the receiving chain refused it; the sender gets the coins back"
    ),
    Fate.RETURNED_TO_SENDER: Word("returned to sender", "↩", "green", "timed out; the sender has the coins back"),
    Fate.DELIVERED_ACK_OPEN: Word(
        "delivered, ack open", "◌", "green", "delivered; the final outcome is the receiving application's"
    ),
    Fate.STILL_PENDING: Word("still pending", "✗", "red", "nothing changed"),
    Fate.UNKNOWN: Word("unknown", "?", "yellow", "can't be told now; look again"),
}

OWED_BEFORE_FEES = "owed before fees"
"""What the books, the audit and the screen's answer mean by owed: a refund sends it less the fee that is kept."""

STEPS = {"recv": "delivered", "ack": "acknowledged", "timeout": "returned"}
"""What Hermes claims of a packet while it runs: evidence, not the result."""

DOERS = {Doer.US: "by us", Doer.OTHER: "by another relayer", Doer.UNKNOWN: "by whom is not known"}

OPERATIONS = {
    OperationState.QUEUED: Word("queued", "…", "cyan", "nothing was started yet"),
    OperationState.PREFLIGHT: Word("preflight", "…", "cyan", "the packets are being read before Hermes starts"),
    OperationState.WAITING: Word("waiting", "◷", "cyan", "it goes on by itself"),
    OperationState.RUNNING: Word("running", "…", "cyan", "Hermes is at work"),
    OperationState.VERIFYING: Word("verifying", "…", "cyan", "Hermes has ended; the chains are being read"),
    OperationState.CLEARED: Word("cleared", "✓", "green", "every packet is done"),
    OperationState.PARTIAL: Word("partial", "◐", "yellow", "some packets are done, some are not"),
    OperationState.FAILED: Word("failed", "✗", "red", "no packet moved"),
    OperationState.NOTHING_TO_DO: Word("nothing to do", "✓", "green", "every packet was already done"),
    OperationState.UNKNOWN: Word("unknown", "?", "yellow", "the outcome can't be told yet"),
    OperationState.CANCELLED: Word("cancelled", "-", "yellow", "stopped before anything moved"),
}

_STEP = 5
"""Seconds."""
GIVEN_UP = Word("given up", "✗", "red", "nobody goes on with it until you say so")


def operation_word(operation: Operation) -> Word:
    """How an operation stands; one that waits for a person isn't told as one that goes on."""
    state = operation_state(operation)
    if state is OperationState.WAITING and operation.task is not None and operation.task.given_up:
        return GIVEN_UP
    return OPERATIONS[state]


def waits_line(operation: Operation) -> str | None:
    """Until when an operation waits and why, or what makes it go on; None for one that doesn't wait."""
    task = operation.task
    if task is None or operation_state(operation) is not OperationState.WAITING:
        return None
    why = clean(task.why or "?", 300)
    if task.given_up:
        return f"{why}; relayclear operations retry {operation.id}"
    return f"until {moment(task.until)}: {why}"


def again_command(operation: Operation) -> str | None:
    """What asks the chains about an operation once more; None for one whose outcome is known, or still to come."""
    return (
        f"relayclear operations show {operation.id}" if operation_state(operation) is OperationState.UNKNOWN else None
    )


def failed_step(operation: Operation) -> str | None:
    """What helps where Hermes had no node to work with; None for every other outcome."""
    reasons = (packet.reason or "" for packet in newest_results(operation).values())
    away = any(reason.startswith(NODE_AWAY) for reason in reasons)
    step = "mend that node, or set rpc_addr in Hermes' config to one that answers"
    return f"{step}; then look: relayclear doctor" if away else None


def age(seconds: int | None) -> str:
    """A length of time in at most four letters: ``45s``, ``12m``, ``3h``, ``9d``; ``?`` if unknown."""
    if seconds is None:
        return "?"
    for size, unit in ((86400 * 2, "d"), (3600 * 2, "h"), (120, "m")):
        if seconds >= size:
            return f"{seconds // {'d': 86400, 'h': 3600, 'm': 60}[unit]}{unit}"
    return f"{seconds}s"


def coarse_age(seconds: int) -> str:
    """`age` in steps of five seconds, for what stands on a screen.

    A line that counts every second is drawn every second, and that is most of what an idle screen costs.
    """
    return age(seconds - seconds % _STEP)


def counted(number: int, noun: str) -> str:
    """A number and what it counts: ``1 path``, ``2 paths``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def of_chain(chain: str, message: str) -> str:
    """What is wrong with a chain, without its name before it: for a line that names the chain itself."""
    return message.removeprefix(f"{chain}: ")


def long_age(seconds: int) -> str:
    """A length of time in two units: ``2 d 4 h``, ``3 h 12 m``, ``45 s``."""
    units = (("d", 86400), ("h", 3600), ("m", 60), ("s", 1))
    parts = []
    for name, size in units:
        if seconds >= size:
            parts.append(f"{seconds // size} {name}")
            seconds %= size
    return " ".join(parts[:2]) or "0 s"


def moment(at: datetime | None) -> str:
    """A time in UTC to the second, as a person reads it."""
    return instant.plain(at) if at else "unknown"


def coin(value: Coin | None) -> str:
    """Amount and base denom, exact, and the channels a voucher came over: ``1000 uatom (channel-0)``."""
    if value is None:
        return ""
    path = DenomPath.parse(value.denom)
    over = f" ({'/'.join(channel for _, channel in path.hops)})" if path.hops else ""
    return f"{value.amount} {path.base}{over}"


def short(address: str, width: int = 16) -> str:
    """An address cut in the middle; both its ends are what people compare."""
    if len(address) <= width:
        return address
    tail = 5
    return f"{address[: width - tail - 1]}…{address[-tail:]}"


def obstacle(blocked: Blocked) -> str:
    """Why it can't be relayed; the detail is others' words: clean it."""
    return REASONS[blocked.reason].format(detail=blocked.detail)


def why(view: Waiting) -> str:
    """Why the packet is where it is, in one line."""
    blocked = view.verdict.blocked
    if blocked is not None:
        return obstacle(blocked)
    if view.muted is not None:
        return f"muted: {view.muted.reason}"
    return CLASSES[view.verdict.packet_class].meaning


ADVICE = {
    BlockReason.CLIENT_EXPIRED: "ask that chain's governance to recover the client; until then nothing can be relayed",
    BlockReason.CLIENT_FROZEN: "ask that chain's governance to recover the client; until then nothing can be relayed",
    BlockReason.EXCLUDED: "take it out of excluded_sequences in the Hermes config, if nothing speaks against it",
    BlockReason.TOO_LARGE: "raise ics20_max_memo_size or ics20_max_receiver_size in the Hermes config above that size"
    " (hermes start reads it at its next start)",
    BlockReason.ORDERED_BEHIND: "clear the ones before it too",
    BlockReason.NO_PACKET_DATA: "give the chain an endpoint that keeps and indexes old transactions",
}

# What the operator lifts alone, so that it can be cleared at once.
_LIFTED_HERE = frozenset({BlockReason.EXCLUDED, BlockReason.TOO_LARGE, BlockReason.NO_PACKET_DATA})


def advice(view: Waiting) -> str | None:
    """What lifts the obstacle, where somebody can, and the command that comes then."""
    end, sequence, blocked = view.path.source, view.sequence, view.verdict.blocked
    if view.verdict.packet_class is PacketClass.ASYNC_ACK:
        show = f"relayclear packets show {PacketKey(*end, sequence)}"
        return f"wait, or ask who runs that application on {view.path.destination.chain}; look again: {show}"
    if blocked is None or blocked.reason not in ADVICE:
        return None
    if blocked.reason is BlockReason.ORDERED_BEHIND:
        first = blocked.detail.rpartition("#")[2]
        return f"{ADVICE[blocked.reason]}: {clear_command(end, f'{first}..{sequence}')}"
    then = f"; then: {clear_command(end, sequence)}" if blocked.reason in _LIFTED_HERE else ""
    return ADVICE[blocked.reason] + then


def fix(view: Waiting) -> str | None:
    """The command that would move the packet, or None where none can."""
    if view.verdict.clearable is False:
        return None
    return clear_command(view.path.source, view.sequence)


def clear_command(end: ChannelEnd, sequences: object) -> str:
    """The command that clears these sequences of an end: one of them, or ranges as they are typed."""
    port = "" if end.port == "transfer" else f" --port {end.port}"
    return f"relayclear clear --chain {end.chain}{port} --channel {end.channel} --packet-sequences {sequences}"


def fate_line(packet: PacketAfter) -> str:
    """One packet's end in one line."""
    word = FATES[packet.fate]
    text = f"{word.glyph} #{packet.sequence} {word.word}"
    if packet.fate in {Fate.STILL_PENDING, Fate.UNKNOWN}:
        return f"{text}: {packet.reason}" if packet.reason else text
    if packet.fate is Fate.DELIVERED and packet.committed:
        text += ", not acknowledged yet"
    why_not = f": {packet.reason}" if packet.reason and packet.committed else ""
    return f"{text}, {DOERS[packet.by]}{why_not}"
