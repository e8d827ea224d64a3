"""The Hermes configs that the settings name, read without the libraries that reach a network."""

from __future__ import annotations

from dataclasses import dataclass

from relayclear.config.settings import HermesSettings, Settings
from relayclear.hermes.config import HermesConfig, load


@dataclass(frozen=True, slots=True)
class LoadedHermes:
    """A Hermes of the settings and what its config says."""

    settings: HermesSettings
    config: HermesConfig


def load_hermes(settings: Settings) -> list[LoadedHermes]:
    """Read every Hermes config, one named twice once.  Raises ConfigError for the first that can't be read."""
    named = {hermes.config.absolute(): hermes for hermes in reversed(settings.hermes)}
    return [LoadedHermes(hermes, load(hermes.config)) for hermes in reversed(named.values())]
