"""Ranges of packet sequences: as the command line writes them, and as the config excludes them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

Range = tuple[int, int]
"""The first and the last sequence of a range."""
LAST = 2**64 - 1


def parse_range(text: str) -> Range:
    """`7`, `3..9`, `..9`, `3..`, `..`, all inclusive.  Raises ValueError with the real words.

    Source: `rly/util/seq_range.rs`.
    """
    if ".." not in text:
        return (_number(text),) * 2
    first, _, last = text.partition("..")
    return (_number(first) if first else 0, _number(last) if last else LAST)


def excluded_ranges(items: Any) -> tuple[Range, ...]:
    """What a channel's array of integers and `"A-B"` excludes; other items are dropped without a word.

    Source: `rly/util/excluded_sequences.rs`.
    """
    ranges: list[Range] = []
    for item in items:
        if isinstance(item, int) and not isinstance(item, bool):
            ranges.append((item, item))
        elif isinstance(item, str):
            numbers = [int(part) for part in item.split("-") if part.strip().isdecimal()]
            if numbers:
                ranges.append((numbers[0], numbers[-1]))
    return tuple(ranges)


def within(sequence: int, ranges: Iterable[Range]) -> bool:
    """Whether one of the ranges holds a sequence."""
    return any(first <= sequence <= last for first, last in ranges)


def collated(sequences: Sequence[int]) -> list[str]:
    """Sequences as Hermes' text shows them: `5..=7`, `9..=9`."""
    runs: list[list[int]] = []
    for sequence in sequences:
        if runs and sequence <= runs[-1][1] + 1:
            runs[-1][1] = sequence
        else:
            runs.append([sequence, sequence])
    return [f"{first}..={last}" for first, last in runs]


def _number(text: str) -> int:
    if not re.fullmatch(r"\+?[0-9]+", text) or int(text) > LAST:
        raise ValueError(f"Invalid sequence number: {text}")
    return int(text)
