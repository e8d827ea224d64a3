"""Check a proof of clear on both chains, believing nothing that stands in it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from relayclear.clearing.proof_check import Finding, Flaw, Observed, Verdict, check_packet, verdict_of
from relayclear.clearing.proof_document import Proof, ProvedPacket
from relayclear.clearing.proof_reading import ProofError, read_proof
from relayclear.errors import NotFoundError, RelayclearError, UsageError
from relayclear.ibc.evidence import StepClaim, StepEvidence
from relayclear.ibc.packet import ChannelEnd, Ordering, RelayPath, SequenceRanges
from relayclear.ibc.readings import Commitments, Reception, ReceptionQuestion
from relayclear.ibc.topology import ChainTopology, ChannelInfo, join_paths
from relayclear.ports import Chain


@dataclass(frozen=True, slots=True)
class PacketCheck:
    """One packet of a proof and what checking it came to."""

    packet: ProvedPacket
    verdict: Verdict
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class ProofCheck:
    """A checked proof.

    `path` holds what is wrong with the path; `endpoints` those that answered, by chain; `heights` where
    each chain was read; `absent` the operation's sequences that the proof says nothing about.
    """

    proof: Proof
    verdict: Verdict
    path: tuple[Finding, ...]
    packets: tuple[PacketCheck, ...]
    endpoints: Mapping[str, tuple[str, ...]]
    heights: Mapping[str, int]
    absent: SequenceRanges


def proof_in(text: bytes) -> Proof:
    """The proof that a file holds.  Raises UsageError saying which part of it is wrong."""
    try:
        return read_proof(text)
    except ProofError as error:
        raise UsageError(
            f"this is no proof of clear: {error}", hint="relayclear operations proof ID -o proof.json", code="no_proof"
        ) from error


def chains_of(proof: Proof) -> tuple[str, str]:
    """The chains that have to be asked: source, destination."""
    return proof.path.source.chain, proof.path.destination.chain


async def check_proof(chains: Mapping[str, Chain], proof: Proof) -> ProofCheck:
    """Hold every claim of a proof against the chains; what can't be read is told, never raised."""
    near, far = (chains[chain] for chain in chains_of(proof))
    path, findings, observed = await _read(near, far, proof)
    # The chain's own word decides how the packets are read: an upgrade may have changed the channel since.
    judged = replace(proof, path=path)
    checks = [(packet, check_packet(judged, packet, observed)) for packet in proof.packets]
    packets = tuple(PacketCheck(packet, verdict_of([*findings, *found]), found) for packet, found in checks)
    every = [*findings, *(finding for _, found in checks for finding in found)]
    if not packets:
        every.append(Finding(Flaw.UNTOLD))
    judged_sequences = SequenceRanges.of(packet.after.sequence for packet in proof.packets)
    return ProofCheck(
        proof,
        verdict_of(every),
        findings,
        packets,
        {chain.chain_id: chain.answered for chain in (near, far)},
        _heights(proof, observed),
        proof.sequences.minus(judged_sequences),
    )


def _heights(proof: Proof, observed: Observed) -> dict[str, int]:
    reads = zip(chains_of(proof), (observed.commitments, observed.reception), strict=True)
    return {chain: read.height for chain, read in reads if not isinstance(read, RelayclearError)}


async def _read(near: Chain, far: Chain, proof: Proof) -> tuple[RelayPath, tuple[Finding, ...], Observed]:
    (path, findings), commitments, here, there = await asyncio.gather(
        _path(near, far, proof.path),
        _commitments(near, proof),
        _steps(near, proof),
        _steps(far, proof),
    )
    ordered = path.ordering is Ordering.ORDERED
    reception = await _reception(far, proof, ordered=ordered)
    return path, findings, Observed(commitments, reception, here | there)


async def _commitments(chain: Chain, proof: Proof) -> Commitments | RelayclearError:
    try:
        return await chain.committed(proof.path.source, _sequences(proof))
    except RelayclearError as error:
        return error


async def _reception(chain: Chain, proof: Proof, *, ordered: bool) -> Reception | RelayclearError:
    end = proof.path.destination
    try:
        return (await chain.receptions([ReceptionQuestion(end, _sequences(proof), ordered=ordered)]))[end]
    except RelayclearError as error:
        return error


async def _steps(chain: Chain, proof: Proof) -> dict[StepClaim, StepEvidence | RelayclearError]:
    named = [claim for packet in proof.packets for _, claim in proof.claims(packet)]
    claims = [claim for claim in dict.fromkeys(named) if claim.chain == chain.chain_id]
    try:
        return await chain.evidence(claims) if claims else {}
    except RelayclearError as error:
        return dict.fromkeys(claims, error)


def _sequences(proof: Proof) -> tuple[int, ...]:
    return tuple(packet.after.sequence for packet in proof.packets)


async def _path(near: Chain, far: Chain, claimed: RelayPath) -> tuple[RelayPath, tuple[Finding, ...]]:
    """The path as both chains have it, and what is wrong with the claimed one."""
    try:
        topologies = await asyncio.gather(_topology(near, claimed.source), _topology(far, claimed.destination))
    except NotFoundError as error:
        return claimed, (Finding(Flaw.PATH_DIFFERS, error.message),)
    except RelayclearError as error:
        return claimed, (Finding(Flaw.UNREAD, error.message),)
    paths, broken = join_paths({topology.chain: topology for topology in topologies})
    found = next((path for path in paths if path.source == claimed.source), None)
    if found is None:
        why = next((item.why for item in broken if item.end == claimed.source), f"{claimed.source} leads elsewhere")
        return claimed, (Finding(Flaw.PATH_DIFFERS, why),)
    differing = [
        f"{word} is {real}"
        for word, said, real in zip(_PARTS, _parts(claimed), _parts(found), strict=True)
        if said != real
    ]
    return found, tuple(Finding(Flaw.PATH_DIFFERS, text) for text in differing)


_PARTS: Sequence[str] = ("the other end", "connection", "the other connection", "client", "the other client")


def _parts(path: RelayPath) -> tuple[object, ...]:
    # Not ordering and version: an upgrade of the channel changes them without changing what was proved.
    connections = path.source_connection, path.destination_connection
    return (path.destination, *connections, path.source_client, path.destination_client)


async def _topology(chain: Chain, end: ChannelEnd) -> ChainTopology:
    channels, connections, clients = await asyncio.gather(chain.channels([end]), chain.connections(), chain.clients())
    info = channels[end]
    if not isinstance(info, ChannelInfo):
        raise info
    return ChainTopology(
        chain.chain_id,
        {end: info},
        {item.connection: item for item in connections},
        {item.client: item for item in clients},
    )
