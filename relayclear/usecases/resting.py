"""An engine that can be told to begin nothing more, while what is under way is let finish."""

from __future__ import annotations

from dataclasses import dataclass, field

from relayclear.engine.engine import Engine


@dataclass
class RestingEngine(Engine):
    """The engine; while `resting` is set nothing more is begun.  `busy` is how many steps are under way."""

    resting: bool = field(default=False, init=False)
    busy: int = field(default=0, init=False)

    async def step(self) -> bool:
        """Carry out one step, if any is due and there is no rest."""
        if self.resting:
            return False
        self.busy += 1
        try:
            return await super().step()
        finally:
            self.busy -= 1
