"""Cells of packets and paths, for the overview and the list of packets."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from relayclear.dashboard.columns import Cell
from relayclear.ibc.coin import Coin
from relayclear.ibc.packet import RelayPath
from relayclear.ibc.text import visible
from relayclear.ibc.topology import ClientStatus
from relayclear.ibc.triage import Blocked, BlockReason, PacketClass
from relayclear.usecases.board_rows import PathRow
from relayclear.usecases.views import SEVERITY
from relayclear.wording import CLASSES, age, coarse_age, coin, obstacle

_TONES = {"red": "bad", "yellow": "warn", "green": "good", "cyan": ""}
_SOON_SECONDS = 2 * 86400


def tone(style: str) -> str:
    """What a word's colour means."""
    return _TONES.get(style, "")


def class_cell(packet_class: PacketClass) -> Cell:
    """A packet's class, glyph and word."""
    word = CLASSES[packet_class]
    return Cell(f"{word.glyph} {word.word}", tone(word.style))


def path_text(path: RelayPath) -> str:
    """A path in its direction."""
    near, far = path.source, path.destination
    port = "" if near.port == "transfer" else f" {visible(near.port, 20)}"
    return f"{near.chain} {near.channel}{port} → {far.chain}"


def blocked_text(blocked: Blocked) -> str:
    """Why it can't be relayed, in a line."""
    return visible(obstacle(blocked), 200)


def counts_text(counts: Mapping[PacketClass, int]) -> str:
    """How many of each class, the worst first."""
    order = sorted(counts, key=SEVERITY.__getitem__)
    return " ".join(f"{counts[one]} {CLASSES[one].word}" for one in order if counts[one])


def reasons_text(counts: Mapping[BlockReason, int]) -> str:
    """How many for each reason."""
    return " ".join(f"{count} {reason.value}" for reason, count in sorted(counts.items()))


def values_text(values: Mapping[str, int], unvalued: int) -> str:
    """What hangs there, in base units; packets that move something unknown are counted, never guessed."""
    said = [visible(coin(Coin(denom, amount)), 40) for denom, amount in sorted(values.items())]
    return " + ".join(said + ([f"{unvalued} unknown"] if unvalued else [])) or "-"


def age_text(since: datetime, now: datetime, *, exact: bool) -> str:
    """How old; ``>`` where that is the least that it can be."""
    return f"{'' if exact else '>'}{coarse_age(max(0, int((now - since).total_seconds())))}"


def expiry_cell(row: PathRow, now: datetime) -> Cell:
    """When the sooner of both light clients expires."""
    found = row.expiry
    if found is None:
        return Cell("?", "dim")
    if found.status is not ClientStatus.ACTIVE:
        return Cell(f"✗ {found.status.value}", "bad")
    if found.expires_at is None:
        return Cell("active", "")
    seconds = int((found.expires_at - now).total_seconds())
    if seconds <= 0:
        return Cell("✗ expired", "bad")
    return Cell(age(seconds), "warn" if seconds < _SOON_SECONDS else "")
