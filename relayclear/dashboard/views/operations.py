"""The view of operations."""

from __future__ import annotations

from typing import ClassVar

from relayclear.dashboard.view import View
from relayclear.dashboard.views.overview import AnswersPanel


class OperationsView(View):
    """Operations."""

    kind: ClassVar[str] = "operations"
    panels = (AnswersPanel,)
