"""The channels on which the settings say that a person is called."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from relayclear.config.settings import Settings
from relayclear.ports import Caller


def callers_of(settings: Settings, environ: Mapping[str, str]) -> tuple[Caller, ...]:
    """One for each channel that is configured.  Raises ConfigError for a webhook without a usable secret."""
    # The libraries of channels that nobody configured are not loaded.
    found: list[Caller] = []
    alerts = settings.alerts
    if alerts.webhook:
        from relayclear.alerts.webhook import Webhook  # noqa: PLC0415
        from relayclear.config.hooksecret import hook_secret  # noqa: PLC0415

        folder = environ.get("CREDENTIALS_DIRECTORY")
        secret = hook_secret(alerts.webhook_secret_file, Path(folder) if folder else None)
        found.append(Webhook(alerts.webhook, secret, alerts.time_limit))
    if alerts.command:
        from relayclear.alerts.command import Command  # noqa: PLC0415

        found.append(Command(alerts.command, alerts.time_limit, environ))
    return tuple(found)
