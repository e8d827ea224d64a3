"""Doctor's look at the daemon's own clearing on channels that are sold: it works for nothing on what others pay for."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from relayclear.ibc.packet import ChannelEnd, RelayPath
from relayclear.usecases.doctor_facts import DoctorInput, Finding, HermesFacts, Severity

SHOWN = 3
_FREE = "it clears for nothing what you sell: the payer finds the packets gone, or both spend gas on the same ones"


def check_rivals(facts: DoctorInput) -> list[Finding]:
    """For each chain where payments arrive, the Hermes that clear its channels by themselves."""
    sold = [chain.chain for chain in facts.chains if chain.payee]
    return [finding for chain in sold for one in facts.instances for finding in _of(facts, one, chain)]


def _of(facts: DoctorInput, hermes: HermesFacts, chain: str) -> Iterator[Finding]:
    if not hermes.packets_enabled or chain not in hermes.chains:
        return
    ends = _ends(facts.paths or (), chain, hermes)
    half = sorted(pair for pair in ends if hermes.allows(pair[0]) is not hermes.allows(pair[1]))
    for near, far in half[:SHOWN]:
        yield _half_closed(hermes, near, far)
    open_ones = sorted(near for near, far in ends if hermes.allows(near) and hermes.allows(far))
    does = _does(hermes, chain)
    if does and (open_ones or facts.paths is None):
        yield _rival(hermes, chain, open_ones, does)


def _ends(paths: Iterable[RelayPath], chain: str, hermes: HermesFacts) -> set[tuple[ChannelEnd, ChannelEnd]]:
    """Each channel of the chain whose other end this Hermes knows too, as its two ends."""
    ways = {(way.source, way.destination) for path in paths for way in (path, path.reversed())}
    return {way for way in ways if way[0].chain == chain and way[1].chain in hermes.chains}


def _does(hermes: HermesFacts, chain: str) -> str:
    """What the daemon does by itself, empty where it waits for somebody."""
    habits = hermes.habits.get(chain)
    interval = hermes.clear_interval if habits is None else habits.clear_interval
    words = ["when it starts"] if hermes.clear_on_start else []
    words += [f"every {interval} blocks"] if interval else []
    if not interval and hermes.tx_confirmation:
        # Only then it sends again by itself what was not confirmed.
        words.append("again whatever was not confirmed (tx_confirmation = true)")
    return " and ".join(words)


def _rival(hermes: HermesFacts, chain: str, ends: list[ChannelEnd], does: str) -> Finding:
    named = ", ".join(end.channel for end in ends[:SHOWN]) or "its channels"
    more = f" and {len(ends) - SHOWN} more" if len(ends) > SHOWN else ""
    # All of them, however many: what is left out of the list goes on being cleared for nothing.
    pairs = json.dumps([[end.port, end.channel] for end in ends]) if ends else '[["transfer", "channel-…"]]'
    own = "" if hermes.habits.get(chain) is None else f" (and of {chain}, where it has its own)"
    only = f'packet_filter policy = "deny", list = {pairs} closes them on {chain}, and likewise at the other end'
    steps = [
        f"clear_on_start = false, clear_interval = 0{own} in {hermes.config}: live relaying goes on",
        f"or, to relay nothing there that isn't paid for: {only}; relayclear still clears them",
    ]
    found = f"hermes start clears {named}{more} {does}"
    return Finding("daemon_rival", chain, Severity.WARN, found, _FREE, "\n".join(steps))


def _half_closed(hermes: HermesFacts, near: ChannelEnd, far: ChannelEnd) -> Finding:
    shut, still = (far, near) if hermes.allows(near) else (near, far)
    found = f"{shut} is closed to the daemon, and its other end {still} is open"
    why = "each direction is filtered by the chain it starts from: half of the channel is still cleared for nothing"
    step = f'deny ["{still.port}", "{still.channel}"] in the packet_filter of {still.chain} too, in {hermes.config}'
    return Finding("daemon_filter", near.chain, Severity.WARN, found, why, step)
