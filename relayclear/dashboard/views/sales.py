"""The view of sales."""

from __future__ import annotations

from typing import ClassVar

from relayclear.dashboard.view import View
from relayclear.dashboard.views.overview import AnswersPanel


class SalesView(View):
    """Payments."""

    kind: ClassVar[str] = "sales"
    panels = (AnswersPanel,)
