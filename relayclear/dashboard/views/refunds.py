"""The view of refunds."""

from __future__ import annotations

from typing import ClassVar

from relayclear.dashboard.view import View
from relayclear.dashboard.views.overview import AnswersPanel


class RefundsView(View):
    """Refunds."""

    kind: ClassVar[str] = "refunds"
    panels = (AnswersPanel,)
