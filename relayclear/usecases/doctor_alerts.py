"""Doctor's look at calling a person: whether what [alerts] names could be used tonight."""

from __future__ import annotations

import shlex

from relayclear.usecases.doctor_facts import AlertFacts, Finding, Severity

_CALLS = "it calls a person when something needs one"
_TEST = "relayclear alerts test"


def check_alerts(alerts: AlertFacts) -> list[Finding]:
    """Each channel that is configured: nothing is sent."""
    found = [*_webhook(alerts), *_command(alerts)]
    if found:
        return found
    words = "no webhook, command or systemd is set: alerts are only listed"
    return [Finding("alerts", None, Severity.OK, words, "[alerts] names neither a webhook nor a command")]


def _webhook(alerts: AlertFacts) -> list[Finding]:
    if not alerts.webhook:
        return []
    if alerts.unsigned is not None:
        error = alerts.unsigned
        return [Finding("alerts", None, Severity.FAIL, error.message, "no alert can be signed", error.hint)]
    if alerts.is_open:
        words = f"alerts go unencrypted to {alerts.webhook}"
        why = "whoever carries them can read who paid what"
        return [Finding("alerts", None, Severity.WARN, words, why, "use an https address in [alerts] webhook")]
    return [Finding("alerts", None, Severity.OK, f"alerts are posted to {alerts.webhook}, signed", _CALLS)]


def _command(alerts: AlertFacts) -> list[Finding]:
    if not alerts.command:
        return []
    name = alerts.command[0]
    if alerts.program is None:
        words = f"the alert command {name} is no program that can be started"
        step = f"chmod +x {shlex.quote(name)}, or correct [alerts] command; then {_TEST}"
        return [Finding("alerts", None, Severity.FAIL, words, "nobody would be called", step)]
    return [Finding("alerts", None, Severity.OK, f"alerts are given to {alerts.program}", _CALLS)]
