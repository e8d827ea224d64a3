"""What stands before an endpoint: whether it may be called now, and who is told what came of it."""

from __future__ import annotations

from typing import Protocol

from relayclear.clearing.breaker import Admission


class Guard(Protocol):
    """The breakers of the endpoints, by name."""

    def admits(self, name: str) -> Admission:
        """Who may call now."""

    def enter(self, name: str) -> bool:
        """Whether the caller may: always, or as the one who probes."""

    def heard(self, name: str, failure: str | None, begun: float | None = None) -> None:
        """What came of a call that began at `begun` by the clock of the boot: None, or what went wrong."""

    def let_go(self, name: str) -> None:
        """Free the place of a probe that nothing came of."""

    def is_failing(self, name: str) -> bool:
        """Whether the newest call failed, or a probe is due."""

    def words(self, name: str) -> str | None:
        """Why nobody may call, and until when; None while somebody may."""


class Unguarded:
    """Lets everybody through: for commands that look at one endpoint, whatever was thought of it."""

    def admits(self, _name: str) -> Admission:
        """Everybody may."""
        return Admission.ALL

    def enter(self, _name: str) -> bool:
        """Yes."""
        return True

    def heard(self, _name: str, _failure: str | None, _begun: float | None = None) -> None:
        """Nobody counts."""

    def let_go(self, _name: str) -> None:
        """Nothing was taken."""

    def is_failing(self, _name: str) -> bool:
        """Nobody counts."""
        return False

    def words(self, _name: str) -> str | None:
        """Nothing stands in the way."""
        return None
