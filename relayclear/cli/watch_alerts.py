"""How the daemon calls a person: the channels of its settings, and what its log says of each call."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from relayclear.bootstrap.alerts import callers_of
from relayclear.clearing.alerting import Priority
from relayclear.ibc.text import clean
from relayclear.usecases.alerts import Called, Calling
from relayclear.wording.alerting import alert_sentence

if TYPE_CHECKING:
    from relayclear.config.settings import Settings
    from relayclear.ports import Log
    from relayclear.usecases.desk import Desk


def calling_of(desk: Desk, settings: Settings, log: Log) -> Calling:
    """What raises alerts and tells them; without a channel they are only listed.  Raises ConfigError."""

    def heard(call: Called) -> None:
        """Say of a call how it ended."""
        if call.error is None:
            log.info("alerts sent", channel=call.channel, alerts=call.alerts)
        elif call.given_up:
            error = clean(call.error.message, 300)
            log.error("alerts given up", channel=call.channel, alerts=call.given_up, error=error)
        else:
            error = clean(call.error.message, 300)
            log.warning("alerts not sent, tried again", channel=call.channel, alerts=call.alerts, error=error)

    callers = callers_of(settings, os.environ)
    return Calling(desk, callers, Priority(settings.alerts.least), alert_sentence, heard)
