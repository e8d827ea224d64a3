"""Every figure that can be watched from outside: its name, kind, meaning and labels.  The one source for all of it.

The listener, the README, the dashboard and the alert rules are held to this table by tests.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Shape(StrEnum):
    """A gauge goes up and down, a counter only up, a histogram counts by size."""

    GAUGE = "gauge"
    COUNTER = "counter"
    HISTOGRAM = "histogram"


class Metric(NamedTuple):
    """One figure; the unit stands at the end of its name."""

    name: str
    shape: Shape
    doc: str
    labels: tuple[str, ...] = ()


class Sample(NamedTuple):
    """One value of a figure, with its labels' values in the order of the table."""

    name: str
    labels: tuple[str, ...]
    value: float


_G, _C = Shape.GAUGE, Shape.COUNTER
_END, _MONEY = ("chain", "port", "channel"), ("chain", "denom")

TABLE = (
    Metric("relayclear_build_info", _G, "1; the version that runs", ("version",)),
    Metric("relayclear_health_level", _G, "0 healthy, 1 degraded, 2 critical"),
    Metric("relayclear_heartbeat_timestamp_seconds", _G, "When the daemon last said that it lives"),
    Metric("relayclear_task_failing", _G, "1 for a task of the daemon that fails", ("task",)),
    Metric("relayclear_pending_packets", _G, "Packets sent and not finished", _END),
    Metric("relayclear_stuck_packets", _G, "Packets that need attention; pending: details not read", (*_END, "class")),
    Metric("relayclear_oldest_packet_age_seconds", _G, "Age of the packet first seen pending, at least", _END),
    Metric("relayclear_path_up", _G, "1 where the last look at a path went well, else 0", _END),
    Metric("relayclear_scans_total", _C, "Scans"),
    Metric("relayclear_scan_failures_total", _C, "Scans in which some chain or path could not be read"),
    Metric("relayclear_scan_duration_seconds", _G, "How long the last scan took"),
    Metric("relayclear_scan_timestamp_seconds", _G, "When the last scan was"),
    Metric("relayclear_chain_up", _G, "1 where the last look at a chain went well, else 0", ("chain",)),
    Metric("relayclear_chain_good_timestamp_seconds", _G, "When a chain was last read well", ("chain",)),
    Metric("relayclear_chain_height", _G, "The newest block read", ("chain",)),
    Metric("relayclear_endpoint_up", _G, "1 where an endpoint could be used, else 0", ("chain", "endpoint")),
    Metric("relayclear_endpoint_requests_total", _C, "Requests to an endpoint", ("chain", "endpoint")),
    Metric("relayclear_endpoint_failures_total", _C, "Requests that failed", ("chain", "endpoint")),
    Metric("relayclear_endpoint_request_seconds_total", _C, "Time of all requests", ("chain", "endpoint")),
    Metric("relayclear_endpoint_latency_seconds", _G, "Time of the newest request", ("chain", "endpoint")),
    Metric("relayclear_hermes_up", _G, "1 where Hermes could be started, else 0", ("config",)),
    Metric("relayclear_breaker_state", _G, "1 for the state that a breaker is in", ("breaker", "state")),
    Metric("relayclear_wallet_balance", _G, "Base units that an account holds", ("chain", "role", "address", "denom")),
    Metric("relayclear_gas_relays_left", _G, "Relays that a key can pay for at their dearest", ("chain", "role")),
    Metric("relayclear_payments_total", _C, "Payments that arrived", ("chain",)),
    Metric("relayclear_orphans", _G, "Payments that nothing explains", ("kind",)),
    Metric("relayclear_refunds", _G, "Refunds by state; owed: nobody has decided yet", ("state",)),
    Metric("relayclear_owed_amount", _G, "Base units owed back to payers", _MONEY),
    Metric("relayclear_held_amount", _G, "Base units paid and not earned yet", _MONEY),
    Metric("relayclear_in_transit_amount", _G, "Base units of refunds on their way", _MONEY),
    Metric("relayclear_earned_amount", _G, "Base units that clears earned", _MONEY),
    Metric("relayclear_books_balanced", _G, "1 where the books add up and the last audit agreed", ("chain",)),
    Metric("relayclear_refunds_stopped", _G, "1 where refunds wait for a person", ("chain",)),
    Metric("relayclear_cursor_height", _G, "Block up to which payments are read", ("chain",)),
    Metric("relayclear_cursor_lag_seconds", _G, "Time since that block", ("chain",)),
    Metric("relayclear_cursor_up", _G, "1 where the last reading of payments went well, else 0", ("chain",)),
    Metric("relayclear_queue_depth", _G, "Tasks of the daemon not done", ("kind", "status")),
    Metric("relayclear_dead_letters", _G, "Tasks that were given up and wait for a person", ("kind",)),
    Metric("relayclear_open_sales", _G, "Paid tokens whose work isn't over"),
    Metric("relayclear_overdue_sales", _G, "Paid tokens past their deadline"),
    Metric("relayclear_clearing_requests_total", _C, "Clears asked for: sold, or by the operator", ("kind",)),
    Metric("relayclear_operations", _G, "Clears by how they stand", ("state",)),
    Metric("relayclear_cleared_packets", _G, "Packets that clears tried, by fate, in each clear", ("fate",)),
    Metric("relayclear_cleared_packets_ours", _G, "Of these, moved by us"),
    Metric("relayclear_payment_to_cleared_seconds", Shape.HISTOGRAM, "Block time from the payment to the last packet"),
)

METRICS = {metric.name: metric for metric in TABLE}
