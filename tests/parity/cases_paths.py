"""Dead paths, ordered and closed channels, and other relayers: what relayclear makes of them."""

from __future__ import annotations

from typing import Any

from tests.localnet.commands import stand_in
from tests.localnet.node import ALPHA, BETA
from tests.parity import wires
from tests.parity.registry import case
from tests.parity.side import Side, soon
from tests.parity.telling import cleared, told

# Dead paths, ordered and closed channels


@case
def listed_packets_of_a_dead_path(side: Side) -> Any:
    where = ("--chain", ALPHA, "--channel", side.of_kind("expired").alpha.channel)
    return told(side.relayclear().list(*where))


@case
def clearing_over_a_dead_path(side: Side) -> Any:
    return cleared(side, ALPHA, side.of_kind("expired").alpha.channel, "1..3")


def half_dead(side: Side) -> dict[str, Any]:
    """Packets whose acknowledgement can't come back: listed, planned, cleared, and what is left."""
    end, relayclear = side.of_kind("half_expired").alpha.channel, side.relayclear()
    where = ("--chain", ALPHA, "--channel", end)
    return {
        "listed": told(relayclear.list(*where)),
        "plan": told(relayclear.clear(ALPHA, end, "1", "--dry-run")),
        "cleared": told(relayclear.clear(ALPHA, end, "1")),
        "left": told(relayclear.list(*where)),
        "again": told(relayclear.clear(ALPHA, end, "1")),
    }


@case
def listed_packets_of_a_half_dead_path(side: Side) -> Any:
    return side.scene(half_dead)["listed"]


@case
def plan_of_a_clear_over_a_half_dead_path(side: Side) -> Any:
    return side.scene(half_dead)["plan"]


@case
def clearing_over_a_half_dead_path(side: Side) -> Any:
    return side.scene(half_dead)["cleared"]


@case
def listed_packets_of_a_half_dead_path_after_a_clear(side: Side) -> Any:
    return side.scene(half_dead)["left"]


@case
def clearing_over_a_half_dead_path_again(side: Side) -> Any:
    return side.scene(half_dead)["again"]


def ordered(side: Side) -> dict[str, Any]:
    """Three packets from beta-1 on an ordered channel: looked at, cleared out of order, then in order."""
    channel = side.fresh_channel("ordered")
    side.mock_send(channel, count=3)
    end = channel.beta.channel
    listed = told(side.relayclear().list("--chain", BETA, "--port", "mock", "--channel", end))
    tries = {sequences: cleared(side, BETA, end, sequences, port="mock") for sequences in ("2", "1..2")}
    return {"listed": listed, **tries}


@case
def listed_packets_of_an_ordered_channel(side: Side) -> Any:
    return side.scene(ordered)["listed"]


@case
def clearing_out_of_order(side: Side) -> Any:
    return side.scene(ordered)["2"]


@case
def clearing_in_order(side: Side) -> Any:
    return side.scene(ordered)["1..2"]


def late_on_ordered(side: Side) -> dict[str, Any]:
    """A packet from beta-1 on an ordered channel that timed out: refused first, then cleared, which closes it."""
    channel = side.fresh_channel("ordered")
    side.mock_send(channel, timeout_seconds=2)
    side.wait_past(soon(2.5), ALPHA)
    end = channel.beta.channel
    refused = cleared(side, BETA, end, "1", port="mock")
    return {"refused": refused, "cleared": cleared(side, BETA, end, "1", "--close-channel", end, port="mock")}


@case
def closing_an_ordered_channel_without_leave(side: Side) -> Any:
    return side.scene(late_on_ordered)["refused"]


@case
def closing_an_ordered_channel(side: Side) -> Any:
    return side.scene(late_on_ordered)["cleared"]


def closed(side: Side) -> dict[str, Any]:
    """A packet from beta-1 whose channel was closed on alpha-1 before it arrived."""
    channel = side.fresh_channel("mock")
    side.mock_send(channel)
    side.close_alpha_end(channel)
    end = channel.beta.channel
    listed = told(side.relayclear().list("--chain", BETA, "--port", "mock", "--channel", end))
    return {"listed": listed, "cleared": cleared(side, BETA, end, "1", port="mock")}


@case
def listed_packets_of_a_closed_channel(side: Side) -> Any:
    return side.scene(closed)["listed"]


@case
def clearing_over_a_closed_channel(side: Side) -> Any:
    return side.scene(closed)["cleared"]


def _one_packet(side: Side, chain: str = ALPHA) -> str:
    """A channel of its own with one packet of a chain; its id there."""
    channel, purse = side.fresh_channel(), side.purse()
    side.commit(chain, purse, wires.transfer(purse.address, channel.end(chain), wires.STRANGER))
    return channel.on(chain)


@case
def clearing_what_a_newer_chain_sent(side: Side) -> Any:
    return cleared(side, BETA, _one_packet(side, BETA), "1")


@case
def clearing_while_a_rival_is_faster(side: Side) -> Any:
    end, folder, hermes = _one_packet(side), side.new_folder(), side.hermes_command[0]
    where = f"--chain {ALPHA} --port transfer --channel {end} --packet-sequences 1"
    rival = f"{hermes} --config {side.configs['rival']} clear packets {where} > /dev/null 2>&1"
    body = f'{rival}\nexec {hermes} "$@"'
    relayclear = side.relayclear(folder, program=stand_in(folder, body, hermes=hermes))
    return told(relayclear.clear(ALPHA, end, "1"))


def fresh_one(side: Side) -> dict[str, Any]:
    """A packet that isn't old yet: listed, planned, and cleared all the same."""
    end, relayclear = _one_packet(side), side.relayclear(stuck_after="1h")
    listed = told(relayclear.list("--chain", ALPHA, "--channel", end))
    plan = relayclear.clear(ALPHA, end, "1", "--dry-run")
    return {"listed": listed, "planned": plan.code, "cleared": told(relayclear.clear(ALPHA, end, "1"))}


@case
def listed_packet_that_is_in_flight(side: Side) -> Any:
    return side.scene(fresh_one)["listed"]


@case
def clearing_what_is_in_flight(side: Side) -> Any:
    return {key: side.scene(fresh_one)[key] for key in ("planned", "cleared")}
