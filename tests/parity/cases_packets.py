"""What relayclear makes of packets of every class: lists, stories, clears, proofs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.localnet.channels import Channel
from tests.localnet.node import ALPHA, BETA
from tests.localnet.stick import HOLD_MEMO
from tests.parity import wires
from tests.parity.normal import without
from tests.parity.registry import case
from tests.parity.scenes import clear, deliver
from tests.parity.side import Side, soon
from tests.parity.telling import cleared, told


@dataclass(frozen=True)
class Classes:
    """A channel from alpha-1 with a packet of every class, before anything is cleared.

    1 held back by its receiver, 2 delivered only, 3 excluded, 4 too long a memo, 5 to nobody, 6 never relayed,
    7 cleared by a rival, 8 timed out.  `listed` is what `packets list` said of them, `shown` each one's story,
    `refused` what `clear` said of those that it leaves alone.
    """

    channel: Channel
    folder: Path
    listed: Any
    shown: dict[int, Any]
    refused: dict[int, Any]


def classes(side: Side) -> Classes:
    """Make them, look at them, and clear none."""
    channel, purse = side.fresh_channel(), side.purse()

    def transfer(receiver: str = wires.STRANGER, **more: Any) -> Any:
        return wires.transfer(purse.address, channel.alpha, receiver, **more)

    rows = [transfer(memo=HOLD_MEMO), transfer(), transfer(), transfer(memo="m" * 6000), transfer("nobody")]
    side.commit(ALPHA, purse, *rows, transfer(), transfer(), transfer(timeout_seconds=3), gas=2_500_000)
    late = soon(3)
    deliver(side, channel, "1..2")
    clear(side, ALPHA, channel, "7", key="rival")
    side.wait_past(late, BETA)
    side.configure(excluded={ALPHA: {channel.alpha.channel: [3]}})
    try:
        folder = side.new_folder()
        where = ("--chain", ALPHA, "--channel", channel.alpha.channel)
        listed = told(side.relayclear(folder).list(*where))
        names = {number: f"{ALPHA}/{channel.alpha.channel}/{number}" for number in range(1, 10)}
        shown = {number: told(side.relayclear(folder).run("packets", "show", name)) for number, name in names.items()}
        end = channel.alpha.channel
        refused = {number: told(side.relayclear(folder).clear(ALPHA, end, f"{number}")) for number in (3, 4)}
    finally:
        side.configure(excluded={})
    return Classes(channel, folder, listed, shown, refused)


@case
def clearing_what_is_excluded(side: Side) -> Any:
    return side.scene(classes).refused[3]


@case
def clearing_what_is_too_large(side: Side) -> Any:
    return side.scene(classes).refused[4]


@case
def listed_packets_of_every_class(side: Side) -> Any:
    return side.scene(classes).listed


@case
def story_of_a_packet_whose_acknowledgement_is_held(side: Side) -> Any:
    return side.scene(classes).shown[1]


@case
def story_of_a_packet_whose_acknowledgement_is_missing(side: Side) -> Any:
    return side.scene(classes).shown[2]


@case
def story_of_an_excluded_packet(side: Side) -> Any:
    return side.scene(classes).shown[3]


@case
def story_of_a_packet_that_is_too_large(side: Side) -> Any:
    return side.scene(classes).shown[4]


@case
def story_of_a_packet_to_nobody(side: Side) -> Any:
    return side.scene(classes).shown[5]


@case
def story_of_a_packet_nobody_relayed(side: Side) -> Any:
    return side.scene(classes).shown[6]


@case
def story_of_a_packet_a_rivalcleared(side: Side) -> Any:
    return side.scene(classes).shown[7]


@case
def story_of_a_packet_that_timed_out(side: Side) -> Any:
    return side.scene(classes).shown[8]


@case
def story_of_a_packet_that_was_never_sent(side: Side) -> Any:
    return side.scene(classes).shown[9]


@dataclass(frozen=True)
class Fates:
    """The same classes on another channel, cleared: what `clear` said of each, in this order."""

    cleared: dict[str, Any]


def fates(side: Side) -> Fates:
    """Clear them one by one, and several at once."""
    channel, purse = side.fresh_channel(), side.purse()

    def transfer(receiver: str = wires.STRANGER, **more: Any) -> Any:
        return wires.transfer(purse.address, channel.alpha, receiver, **more)

    rows = [transfer(memo=HOLD_MEMO), transfer(), transfer("nobody"), transfer(), transfer()]
    side.commit(ALPHA, purse, *rows, transfer(timeout_seconds=3), transfer(), gas=2_500_000)
    late = soon(3)
    deliver(side, channel, "1..2")
    clear(side, ALPHA, channel, "5", key="rival")
    side.wait_past(late, BETA)
    folder = side.new_folder()

    def cleared(sequences: str, *args: str) -> Any:
        return told(side.relayclear(folder).clear(ALPHA, channel.alpha.channel, sequences, *args))

    found = {
        "plan": cleared("2..4,6", "--dry-run"),
        "held": cleared("1"),
        "rival": cleared("5"),
        "several": cleared("2..4,6"),
        "again": cleared("4"),
        "never_sent": cleared("7..9"),
        "without_fee": cleared("7", "--max-fee", "1ubeta"),
        "unknown_key": cleared("7", "--key-name", "nosuchkey"),
        "last": cleared("7"),
    }
    listed = side.relayclear(folder).run("operations", "list")
    found["operations"] = told(listed)
    found["proof"] = told(
        side.relayclear(folder).run("operations", "show", listed.document["operations"][0]["operation"])
    )
    return Fates(found)


@case
def plan_of_a_clear(side: Side) -> Any:
    return side.scene(fates).cleared["plan"]


@case
def clearing_what_its_receiver_holds(side: Side) -> Any:
    return side.scene(fates).cleared["held"]


@case
def clearing_what_a_rivalcleared(side: Side) -> Any:
    return side.scene(fates).cleared["rival"]


@case
def clearing_four_classes_at_once(side: Side) -> Any:
    return side.scene(fates).cleared["several"]


@case
def clearing_what_wascleared(side: Side) -> Any:
    return side.scene(fates).cleared["again"]


@case
def clearing_what_was_never_sent(side: Side) -> Any:
    return side.scene(fates).cleared["never_sent"]


@case
def clearing_for_less_than_it_costs(side: Side) -> Any:
    return side.scene(fates).cleared["without_fee"]


@case
def clearing_with_a_key_nobody_has(side: Side) -> Any:
    return side.scene(fates).cleared["unknown_key"]


@case
def clearing_one(side: Side) -> Any:
    return side.scene(fates).cleared["last"]


@case
def operations_after_clears(side: Side) -> Any:
    return side.scene(fates).cleared["operations"]


@case
def proof_of_a_clear(side: Side) -> Any:
    return side.scene(fates).cleared["proof"]


# Chains, channels, doctor, mistakes


@case
def chains(side: Side) -> Any:
    # How much the keys signed before follows the order of the cases.
    return without(told(side.relayclear().run("chains")), "sequence")


@case
def channels_between_the_chains(side: Side) -> Any:
    shown = told(side.relayclear().run("channels", "--chain", ALPHA))
    kinds: list[Any] = []
    for row in without(shown["document"]["channels"], "channel", "counterparty", "pending"):
        # Other cases close some.
        if row not in kinds and {row["state"], row["counterparty_state"]} == {"open"}:
            kinds.append(row)
    return {**shown, "document": {**shown["document"], "channels": sorted(kinds, key=str)}}


@case
def doctor_of_a_network(side: Side) -> Any:
    return told(side.relayclear().run("doctor"))


@case
def doctor_with_one_key_for_all(side: Side) -> Any:
    return told(side.relayclear(clearing_key=None).run("doctor"))


@case
def doctor_with_a_key_without_an_account(side: Side) -> Any:
    return told(side.relayclear(clearing_key="pauper").run("doctor"))


@case
def chain_nobody_configured(side: Side) -> Any:
    return cleared(side, "alpha-2", "channel-1", "1")


@case
def channel_with_a_slip(side: Side) -> Any:
    return cleared(side, ALPHA, "chanel-0", "1")
