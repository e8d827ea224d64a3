"""Doctor's look at the nodes of a chain: each that is configured, on its own."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

from relayclear.errors import RelayclearError
from relayclear.ibc.readings import Head
from relayclear.usecases.doctor_facts import ConfiguredNode, Doctor, Finding, Severity, cause_of


def look_at(chain: str, head: Head) -> list[Finding]:
    """What the node that answered is good for: the right chain, synced, with a transaction index."""
    if head.chain != chain:
        why = "every answer would be about another chain"
        found = f"{head.endpoint} answers for {head.chain[:64]!r}"
        return [Finding("node", chain, Severity.FAIL, found, why, f"correct the address of {chain} in the config")]
    findings = [Finding("node", chain, Severity.OK, f"{head.endpoint} answers, at height {head.height}", "it is read")]
    if head.catching_up:
        why = "packets cleared long ago look stuck, and new ones are missing"
        step = "wait until it has caught up, or add another address under rpc"
        findings.append(Finding("synced", chain, Severity.FAIL, f"{head.endpoint} is still syncing", why, step))
    if not head.tx_index:
        why = (
            "without it neither Hermes nor relayclear finds what was sent: Hermes then clears nothing and says success"
        )
        step = 'set indexer = "kv" in the [tx_index] of the node\'s config.toml, or use another node'
        findings.append(Finding("tx_index", chain, Severity.FAIL, f"{head.endpoint} has no tx index", why, step))
    return findings


async def others(doctor: Doctor, chain: str, answered: Head) -> list[Finding]:
    """The nodes of a chain besides the one that `answered`: one that Hermes itself uses must be well.

    relayclear goes on with whichever node answers; Hermes knows its own alone.
    """
    nodes = doctor.nodes.get(chain, ())
    if len(nodes) <= 1:
        return []
    looks = await asyncio.gather(*(_other(chain, node, answered) for node in nodes))
    return [finding for look in looks for finding in look]


async def _other(chain: str, node: ConfiguredNode, answered: Head) -> list[Finding]:
    try:
        head = await node.chain.head()
    except RelayclearError as error:
        return [_dead(chain, node, error)]
    if head.endpoint == answered.endpoint:
        return []
    found = look_at(chain, head)
    if node.hermes is not None:
        return found
    return [replace(one, severity=Severity.WARN) if one.severity is Severity.FAIL else one for one in found]


def _dead(chain: str, node: ConfiguredNode, error: RelayclearError) -> Finding:
    if node.hermes is None:
        why = "if the others fail too, nothing of this chain can be seen or proved"
        step = f"mend that node, or take {node.address} out of rpc of {chain}"
        return Finding("node", chain, Severity.WARN, error.message, why, step, cause_of(error))
    why = f"it is the node that Hermes itself uses: Hermes can't relay on {chain}, though another node lets us read it"
    step = f"mend that node, or set rpc_addr of {chain} in {node.hermes} to one that answers"
    return Finding("node", chain, Severity.FAIL, error.message, why, step, cause_of(error))


def clocks(doctor: Doctor, chain: str, head: Head) -> list[Finding]:
    """How far this machine's clock, and the newest block, are from each other."""
    now, facts = doctor.clock.now(), doctor.facts
    if head.node_time is not None and abs(now - head.node_time) > facts.clock_margin:
        ahead = "ahead of" if now > head.node_time else "behind"
        found = f"this machine's clock is {span(abs(now - head.node_time))} {ahead} the node's"
        why = "ages, and what counts as stuck, are judged by it"
        return [Finding("clock", chain, Severity.WARN, found, why, "timedatectl set-ntp true")]
    if head.at - now > facts.clock_margin:
        found = f"the newest block is {span(head.at - now)} in this machine's future"
        why = "ages, and what counts as stuck, are judged by its clock"
        return [Finding("clock", chain, Severity.WARN, found, why, "timedatectl set-ntp true")]
    if now - head.at > facts.block_margin and not head.catching_up:
        why = "the chain stands still, or this node does: nothing can be cleared there"
        step = "compare with another node: add it under rpc"
        found = f"the newest block is {span(now - head.at)} old"
        return [Finding("blocks", chain, Severity.WARN, found, why, step)]
    return []


def span(length: timedelta) -> str:
    """A length of time in one unit: ``3 days``, ``40 s``."""
    return span_of(max(0, int(length.total_seconds())))


def span_of(seconds: int) -> str:
    """Seconds in one unit."""
    for unit, size in (("days", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
