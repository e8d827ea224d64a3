"""The runbook of packets: find, judge, clear, check again, and what to do for each way in which one can be stuck.

`TODO_CLASS`, `TODO_REASON` and `TODO_FATE` have a line for every member of their enums; what each one means stands
beside its word, in `relayclear.wording`, and is not said twice.
"""

from __future__ import annotations

from relayclear.ibc.fate import Fate
from relayclear.ibc.triage import BlockReason, PacketClass
from relayclear.wording import ADVICE

BEFORE = """\
Why is this packet stuck, and what now? Four steps; none of them trusts what
Hermes says of its own work. Looking costs nothing and changes nothing.

1. Find
  relayclear packets list                 what needs somebody, worst first
  relayclear packets list --all           everything pending, young ones too
  relayclear packets list --filter 'age:>1h !class:async_ack'
  A path that couldn't be read is named as failed and is not counted as fine:
  relayclear doctor says what is wrong with its nodes, its Hermes or its keys.

2. Judge: what it waits for, and what is in the way
  relayclear packets show CHAIN/CHANNEL/SEQUENCE
"""

CLASSES_TITLE = "What it waits for (the class):"
REASONS_TITLE = "What is in the way (blocked); nothing can relay it before that is lifted:"

CLEARING = """\
3. Clear exactly these
  relayclear clear --chain CHAIN --channel CHANNEL --packet-sequences 1,10..20
  relayclear clear --filter 'class:stuck chain:CHAIN' --max-fee COIN --dry-run
  It shows the plan and asks; --yes says so before. Exit 4 means refused, and
  why: nothing was spent. Many pending on one channel: take some of them first,
  so that a mistake costs one transaction. A clear is signed with a key that no
  daemon uses, else both run into account sequence mismatches: [chains]
  clearing_key names it, and relayclear doctor checks it.

4. Check again: what both chains say became of each packet
  relayclear operations show ID --output  every run: its command, its output,
                                          the transactions, the fates
  relayclear packets list                 what is left
  relayclear operations proof ID          what to send to whoever asks
"""

FATES_TITLE = "What became of it (the fate):"

AFTER = """\
If nothing moves, look in this order:
  relayclear breakers list   what isn't called for a while, since when, and why
  relayclear chains          whether the keys can pay gas, whether nodes answer
  relayclear channels        clients that expire soon, ends that are not open
  relayclear doctor          all of it, each with the command that helps
Known and not to be mended: relayclear packets mute CHAIN/CHANNEL --reason TEXT
counts it apart. Before it happens again: relayclear watch with [alerts] calls
somebody; relayclear help alerts.
"""

TODO_CLASS = {
    PacketClass.PENDING: "Look with --details all; if its send can't be found, see no_packet_data.",
    PacketClass.IN_FLIGHT: "Wait. It counts as stuck after [scan] stuck_after.",
    PacketClass.STUCK: "Clear it, unless something is in the way. Many on one channel: your daemon or its key has "
    "stopped there, so mend that first.",
    PacketClass.TIMED_OUT: "Clear it. It can't be delivered any more, so the transaction is made on the sending "
    "chain, by the key there.",
    PacketClass.TIMEOUT_ON_CLOSE: "Clear it; the channel itself does not open again.",
    PacketClass.ACK_MISSING: "Nobody waits for coins: they have arrived. Clear it to tidy up, and on an ordered "
    "channel or for an application that waits for the answer.",
    PacketClass.ASYNC_ACK: "Wait: nothing can be relayed yet. A forwarded packet waits for its next hop: look for it "
    "on the chain that received this one.",
}
"""What to do about a packet of each class."""

TODO_REASON = {
    BlockReason.CLIENT_EXPIRED: ("The client was not updated within its trusting period.", ""),
    BlockReason.CLIENT_FROZEN: ("The client saw two different blocks of one height.", ""),
    BlockReason.CLIENT_NOT_ACTIVE: (
        "The chain calls the client neither active, expired nor frozen.",
        "ask that chain's operators; relayclear channels shows when it is active again",
    ),
    BlockReason.CONNECTION_NOT_OPEN: (
        "The handshake of the connection was never finished, or one end of it isn't known.",
        "finish the handshake (hermes tx conn-confirm and its like), or give it up for a new channel",
    ),
    BlockReason.CHANNEL_NOT_OPEN: (
        "An end of the channel is closed, or its handshake was never finished.",
        "on a channel whose other end is closed packets go back as timeout_on_close; else it needs its two chains",
    ),
    BlockReason.EXCLUDED: ("Somebody told Hermes to leave it alone, mostly because it can't be relayed.", ""),
    BlockReason.TOO_LARGE: ("Its memo or receiver is longer than this Hermes relays.", ""),
    BlockReason.ORDERED_BEHIND: ("On an ordered channel packets go one after the other.", ""),
    BlockReason.NO_PACKET_DATA: ("No node that was asked still has the transaction that sent it.", ""),
}
"""Why each obstacle is there and what lifts it; empty: `ADVICE`, which the packet's own page shows."""

TODO_FATE = {
    Fate.ACKNOWLEDGED: "Done.",
    Fate.DELIVERED: "Done; where it says not acknowledged yet, the acknowledgement may follow: look again.",
    Fate.DELIVERED_WITH_ERROR: "Done for you. The sender has the coins once the acknowledgement is back.",
    Fate.RETURNED_TO_SENDER: "Done.",
    Fate.DELIVERED_ACK_OPEN: "Done for this hop; see async_ack.",
    Fate.STILL_PENDING: "Read why in operations show ID --output: out of gas or too dear (--max-fee), account sequence "
    "mismatch (another process signs with the key), a node that lags. Mend that, and clear again.",
    Fate.UNKNOWN: "Don't send anything after it. The same command again looks first, and only then clears what is "
    "pending still.",
}
"""What to do after a run, for each fate."""


def lifts(reason: BlockReason) -> str:
    """What lifts an obstacle, as a sentence."""
    text = TODO_REASON[reason][1] or ADVICE[reason]
    return f"{text[:1].upper()}{text[1:]}."
