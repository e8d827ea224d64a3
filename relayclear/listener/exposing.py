"""The figures in Prometheus' words: one registry of our own, filled from the database when it is asked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import accumulate

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from relayclear.usecases.desk import Desk
from relayclear.usecases.figures import read_figures
from relayclear.usecases.metrics import METRICS, TABLE, Sample, Shape
from relayclear.usecases.metrics import Metric as Row
from relayclear.usecases.tally import WAITS, Sums, Tally

CONTENT_TYPE = CONTENT_TYPE_LATEST


class Exposition:
    """What ``/metrics`` answers."""

    def __init__(self, desk: Desk) -> None:
        """Read nothing yet."""
        self._tally = Tally(desk.journal.database)
        # Not the library's own registry: that one is everybody's, and tells of this process' garbage too.
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(_Figures(desk, self._tally))

    async def text(self) -> bytes:
        """Every figure that is known now.  Raises StoreError."""
        await self._tally.catch_up()
        return generate_latest(self._registry)


class _Figures(Collector):
    """Reads the database whenever the registry is asked."""

    def __init__(self, desk: Desk, tally: Tally) -> None:
        """Read nothing yet."""
        self._desk = desk
        self._tally = tally

    def describe(self) -> Iterable[Metric]:
        """Every figure there may be, without values: asked once, when the registry takes this in."""
        return (_family(row) for row in TABLE)

    def collect(self) -> Iterator[Metric]:
        """Every figure that is known.  Raises StoreError."""
        families: dict[str, Metric] = {}
        for sample in read_figures(self._desk, self._tally.sums):
            if sample.name not in families:
                families[sample.name] = _family(METRICS[sample.name])
            _add(families[sample.name], sample)
        yield from families.values()
        if self._tally.sums is not None:
            yield _waits(self._tally.sums)


def _family(row: Row) -> Metric:
    if row.shape is Shape.COUNTER:
        return CounterMetricFamily(row.name.removesuffix("_total"), row.doc, labels=row.labels)
    if row.shape is Shape.HISTOGRAM:
        return HistogramMetricFamily(row.name, row.doc)
    return GaugeMetricFamily(row.name, row.doc, labels=row.labels)


def _add(family: Metric, sample: Sample) -> None:
    if isinstance(family, CounterMetricFamily | GaugeMetricFamily):
        family.add_metric(sample.labels, sample.value)


def _waits(sums: Sums) -> Metric:
    row = METRICS["relayclear_payment_to_cleared_seconds"]
    bounds = [*(str(float(bound)) for bound in WAITS), "+Inf"]
    buckets = list(zip(bounds, accumulate(sums.waits), strict=True))
    return HistogramMetricFamily(row.name, row.doc, buckets=buckets, sum_value=sums.waited)
