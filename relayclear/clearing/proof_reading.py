"""Reading a proof of clear that anybody may have written: every part is checked, none is believed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar

from relayclear.clearing.operation import OperationState, PacketAfter, PacketBefore
from relayclear.clearing.proof_document import KIND, SCHEMA_VERSION, Proof, ProvedPacket
from relayclear.ibc.fate import Doer, Fate
from relayclear.ibc.packet import ChannelEnd, Height, Ordering, Packet, PacketKey, RelayPath, SequenceRanges
from relayclear.ibc.readings import RelayStep, RelayTx
from relayclear.ibc.triage import PacketClass

MAX_PACKETS = 10_000
_MAX_TXS = 20
_MAX_HEIGHTS = 2
_MAX_TEXT = 256
_MAX_RANGES = 200_000
_MAX_DATA = 4_000_000
_MAX_NUMBER = 2**63 - 1
_NAME = re.compile(r"[!-~]{1,128}")
_HASH = re.compile(r"[0-9A-F]{64}")
_COMMITMENT = re.compile(r"[0-9a-f]{64}")
_HEX = re.compile(r"([0-9a-f]{2})*")
_NANOSECONDS = re.compile(r"[0-9]{1,20}")

Word = TypeVar("Word", bound=StrEnum)


class ProofError(ValueError):
    """A document that is no proof of clear; the text says which part is wrong, and how."""


@dataclass(frozen=True, slots=True)
class Part:
    """A value in the document and the way to it.  Every method raises ProofError with that way."""

    value: Any
    place: str = ""

    def wrong(self, what: str) -> ProofError:
        """The error that says what the part is not."""
        return ProofError(f"{self.place or 'the document'} is not {what}")

    def at(self, name: str) -> Part:
        """A field of an object."""
        if not isinstance(self.value, dict):
            raise self.wrong("an object")
        place = f"{self.place}.{name}" if self.place else name
        if name not in self.value:
            raise ProofError(f"{place} is missing")
        return Part(self.value[name], place)

    def each(self, most: int) -> Iterator[Part]:
        """The items of a list."""
        if not isinstance(self.value, list) or len(self.value) > most:
            raise self.wrong(f"a list of at most {most}")
        return (Part(item, f"{self.place}[{index}]") for index, item in enumerate(self.value))

    def text(self, most: int = _MAX_TEXT) -> str:
        """A text."""
        if not isinstance(self.value, str) or len(self.value) > most:
            raise self.wrong(f"a text of at most {most} letters")
        return self.value

    def like(self, pattern: re.Pattern[str], what: str, most: int = _MAX_TEXT) -> str:
        """A text of a certain form."""
        found = self.text(most)
        if not pattern.fullmatch(found):
            raise self.wrong(what)
        return found

    def name(self) -> str:
        """The name of a chain, a channel, an account."""
        return self.like(_NAME, "a name")

    def number(self) -> int:
        """A whole number from 1 on."""
        # True is an int for Python.
        if type(self.value) is not int or not 1 <= self.value <= _MAX_NUMBER:
            raise self.wrong("a whole number from 1 on")
        return self.value

    def flag(self) -> bool | None:
        """Yes, no or unknown."""
        if self.value is not None and not isinstance(self.value, bool):
            raise self.wrong("true, false or null")
        return self.value

    def word(self, words: type[Word]) -> Word:
        """One of a few words."""
        found = self.text()
        if found not in set(words):
            raise self.wrong(f"one of {', '.join(words)}")
        return words(found)

    def time(self) -> datetime:
        """A time with its zone."""
        try:
            at = datetime.fromisoformat(self.text())
        except ValueError as error:
            raise self.wrong("a time") from error
        if at.tzinfo is None:
            raise self.wrong("a time with its zone")
        return at


def read_proof(text: str | bytes) -> Proof:
    """Read a document back.  Raises ProofError for what isn't one, or is of a newer version."""
    try:
        document = Part(json.loads(text))
    except (ValueError, RecursionError) as error:
        raise ProofError("the document is not JSON") from error
    version = document.at("schema_version").number()
    if document.at("document").value != KIND:
        raise document.at("document").wrong(repr(KIND))
    if version > SCHEMA_VERSION:
        raise ProofError(f"the document has version {version}; this relayclear knows up to {SCHEMA_VERSION}")
    operation = document.at("operation")
    path = _path(document.at("path"))
    packets = tuple(_packet(part, path) for part in document.at("packets").each(MAX_PACKETS))
    if len({packet.after.sequence for packet in packets}) != len(packets):
        raise ProofError("packets holds a sequence twice")
    return Proof(
        document.at("instance").name(),
        document.at("written_at").time(),
        operation.at("id").name(),
        operation.at("requested_at").time(),
        operation.at("state").word(OperationState),
        _sequences(operation.at("sequences")),
        path,
        packets,
    )


def _sequences(part: Part) -> SequenceRanges:
    try:
        return SequenceRanges.parse(part.text(_MAX_RANGES))
    except ValueError as error:
        raise part.wrong("a list of sequences like 1,10..20") from error


def _path(part: Part) -> RelayPath:
    near, far = part.at("source"), part.at("destination")
    source, destination = _end(near), _end(far)
    if source.chain == destination.chain:
        raise far.at("chain").wrong("another chain than the source's")
    return RelayPath(
        source,
        destination,
        part.at("ordering").word(Ordering),
        part.at("version").text(_MAX_DATA),
        near.at("connection").name(),
        far.at("connection").name(),
        near.at("client").name(),
        far.at("client").name(),
    )


def _end(part: Part) -> ChannelEnd:
    return ChannelEnd(part.at("chain").name(), part.at("port").name(), part.at("channel").name())


def _packet(part: Part, path: RelayPath) -> ProvedPacket:
    sequence = part.at("sequence").number()
    packet_class, commitment, sent = (part.at(name) for name in ("class_before", "commitment_before", "sent"))
    return ProvedPacket(
        PacketBefore(
            sequence,
            None if packet_class.value is None else packet_class.word(PacketClass),
            None if commitment.value is None else bytes.fromhex(commitment.like(_COMMITMENT, "32 bytes in hex")),
            _heights(part.at("heights_before"), path),
        ),
        None if sent.value is None else _sent(sent, path, sequence),
        PacketAfter(
            sequence,
            part.at("fate").word(Fate),
            part.at("by").word(Doer),
            part.at("committed").flag(),
            part.at("received").flag(),
            part.at("ack_success").flag(),
            _heights(part.at("heights_after"), path),
            tuple(_tx(tx, path) for tx in part.at("transactions").each(_MAX_TXS)),
        ),
    )


def _heights(part: Part, path: RelayPath) -> dict[str, int]:
    if not isinstance(part.value, dict) or not set(part.value) <= {path.source.chain, path.destination.chain}:
        raise part.wrong("heights of the two chains")
    return {chain: part.at(chain).number() for chain in part.value}


def _sent(part: Part, path: RelayPath, sequence: int) -> Packet:
    tx_hash, height, at = (part.at(name) for name in ("tx_hash", "height", "at"))
    timeout = part.at("timeout_height")
    try:
        timeout_height = Height.parse(timeout.text())
    except ValueError as error:
        raise timeout.wrong("a height like 1-1200") from error
    return Packet(
        PacketKey(*path.source, sequence),
        path.destination,
        bytes.fromhex(part.at("data_hex").like(_HEX, "bytes in hex", _MAX_DATA)),
        timeout_height,
        int(part.at("timeout_timestamp").like(_NANOSECONDS, "unix nanoseconds")),
        None if tx_hash.value is None else tx_hash.like(_HASH, "a transaction hash"),
        None if height.value is None else height.number(),
        None if at.value is None else at.time(),
    )


def _tx(part: Part, path: RelayPath) -> RelayTx:
    step, chain, at, relayer = (part.at(name) for name in ("step", "chain", "at", "relayer"))
    found = step.word(RelayStep)
    where = path.destination.chain if found is RelayStep.RECV else path.source.chain
    if chain.value != where:
        raise chain.wrong(f"{where}, where a {found} happens")
    return RelayTx(
        where,
        found,
        part.at("hash").like(_HASH, "a transaction hash"),
        part.at("height").number(),
        None if at.value is None else at.time(),
        relayer.name() if relayer.value else relayer.text(),
        (),
        0,
    )
