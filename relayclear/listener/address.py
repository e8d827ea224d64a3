"""Where the daemon tells its health: a light value; what listens is loaded by who is asked to."""

from __future__ import annotations

import socket
from dataclasses import dataclass, field, replace


@dataclass(frozen=True, slots=True)
class Listen:
    """Where health and metrics are told, and the token that whoever asks needs, None for none.

    `had` is a socket that listens there already, as one daemon hands it on to the next.
    """

    address: str
    token: str | None = field(default=None, repr=False)
    had: socket.socket | None = field(default=None, repr=False)

    def opened(self, before: Listen | None) -> Listen:
        """The same, listened on from now on; `had` is to be closed.

        `before` is where they are told until now: an address that stays is handed on, so that nobody who asks
        meanwhile is turned away.  Raises ConfigError for an address that can't be had, or isn't safe.
        """
        # Only who is asked to listen loads what that takes.
        from relayclear.listener.guarding import require_safe  # noqa: PLC0415
        from relayclear.listener.serving import bind  # noqa: PLC0415

        if before is None or before.had is None or before.address != self.address:
            return replace(self, had=bind(self.address, self.token))
        require_safe(self.address, self.token)
        return replace(self, had=before.had.dup())
