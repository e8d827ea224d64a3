"""The channels on which the settings say that a person is called."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from relayclear.config.hooksecret import hook_secret
from relayclear.config.settings import Settings
from relayclear.errors import ConfigError
from relayclear.ibc.text import redact_url
from relayclear.ports import Caller
from relayclear.usecases.doctor_facts import AlertFacts


def callers_of(settings: Settings, environ: Mapping[str, str]) -> tuple[Caller, ...]:
    """One for each channel that is configured.  Raises ConfigError for a webhook without a usable secret."""
    # The libraries of channels that nobody configured are not loaded.
    found: list[Caller] = []
    alerts = settings.alerts
    if alerts.webhook:
        from relayclear.alerts.webhook import Webhook  # noqa: PLC0415

        found.append(Webhook(alerts.webhook, _secret(settings, environ), alerts.time_limit))
    if alerts.command:
        from relayclear.alerts.command import Command  # noqa: PLC0415

        found.append(Command(alerts.command, alerts.time_limit, environ))
    return tuple(found)


def alert_facts(settings: Settings, environ: Mapping[str, str]) -> AlertFacts:
    """What doctor judges of those channels; nothing is called, nothing is sent."""
    alerts, unsigned, program = settings.alerts, None, None
    if alerts.webhook:
        try:
            _secret(settings, environ)
        except ConfigError as error:
            unsigned = error
    if alerts.command:
        program = shutil.which(alerts.command[0], path=environ.get("PATH"))
    shown = redact_url(alerts.webhook) if alerts.webhook else ""
    return AlertFacts(shown, _is_open(alerts.webhook), unsigned, alerts.command, program)


def _secret(settings: Settings, environ: Mapping[str, str]) -> bytes:
    folder = environ.get("CREDENTIALS_DIRECTORY")
    return hook_secret(settings.alerts.webhook_secret_file, Path(folder) if folder else None)


def _is_open(url: str) -> bool:
    """Whether what is sent to an address leaves this machine unencrypted."""
    parts = urlsplit(url)
    if parts.scheme != "http" or parts.hostname == "localhost":
        return False
    try:
        return not ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return True
