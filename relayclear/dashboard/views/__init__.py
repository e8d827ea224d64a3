"""The views, each a module: its panels, what they read, and their columns."""

from __future__ import annotations

from collections.abc import Mapping

from relayclear.dashboard.view import View
from relayclear.dashboard.views.health import HealthView
from relayclear.dashboard.views.operations import OperationsView
from relayclear.dashboard.views.overview import OverviewView
from relayclear.dashboard.views.packets import PacketsView
from relayclear.dashboard.views.refunds import RefundsView
from relayclear.dashboard.views.sales import SalesView

VIEW_CLASSES: Mapping[str, type[View]] = {
    view.kind: view for view in (OverviewView, PacketsView, OperationsView, SalesView, RefundsView, HealthView)
}
"""Each view by its name in the table of actions."""
