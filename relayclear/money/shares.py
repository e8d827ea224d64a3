"""Parting an amount into integers that add up to it again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

Name = TypeVar("Name")


def even_shares(total: int, parts: int) -> list[int]:
    """Part `total` into equal shares, rounded down; the rest goes on the last."""
    share = total // parts
    return [share] * (parts - 1) + [total - share * (parts - 1)]


def spread(total: int, weights: Mapping[Name, int]) -> dict[Name, int]:
    """Part `total` in proportion to the weights by largest remainder; ties go by the mapping's order.

    For a total of at most the sum of the weights no part is above its weight: a share that is not
    whole lies below it, so rounding it up can't pass it.  Weights that are all 0 get nothing.
    """
    whole = sum(weights.values())
    if whole == 0:
        return dict.fromkeys(weights, 0)
    parts = {name: total * weight // whole for name, weight in weights.items()}
    # A sort keeps equals in their order, which is what breaks ties.
    first = sorted(weights, key=lambda name: -(total * weights[name] % whole))
    for name in first[: total - sum(parts.values())]:
        parts[name] += 1
    return parts
