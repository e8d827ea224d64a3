"""The view of health."""

from __future__ import annotations

from typing import ClassVar

from relayclear.dashboard.view import View
from relayclear.dashboard.views.overview import AnswersPanel


class HealthView(View):
    """Health."""

    kind: ClassVar[str] = "health"
    panels = (AnswersPanel,)
