"""Benchmarks that are held to limits of their own rather than to a peer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil

from tests.bench.ground import Ground
from tests.bench.measure import BenchError, Verdict


@dataclass(frozen=True)
class Figure:
    """One figure with what it is of; without a limit it only explains another."""

    what: str
    value: float
    unit: str
    limit: float | None = None

    @property
    def reached(self) -> bool:
        """Whether its limit holds."""
        return self.limit is None or self.value <= self.limit

    def __str__(self) -> str:
        """The figure, and its limit."""
        limit = "" if self.limit is None else f" (limit {self.limit:g} {self.unit})"
        return f"{self.what} {self.value:.3g} {self.unit}{limit}"


@dataclass(frozen=True)
class Limited:
    """One benchmark: `measure` takes so many rounds, or its own number of them, and gives the figures."""

    name: str
    title: str
    limit_text: str
    measure: Callable[[Ground, int | None], Sequence[Figure]]

    def run(self, ground: Ground, rounds: int | None = None) -> Verdict:
        """Measure; what could not be measured reaches nothing."""
        try:
            figures = self.measure(ground, rounds)
        except (BenchError, OSError) as problem:
            return Verdict(f"{self.name:<14}  limit {self.limit_text}  not reached  ({problem})", reached=False)
        reached = all(figure.reached for figure in figures)
        return Verdict(
            "  ".join([f"{self.name:<14}", *map(str, figures), "reached" if reached else "not reached"]), reached
        )


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest of the values that so great a share of them doesn't exceed."""
    return sorted(values)[max(0, ceil(len(values) * share) - 1)]
