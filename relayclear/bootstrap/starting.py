"""What a first config starts from: the Hermes configs that are named or lie where they usually do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from relayclear.bootstrap.loading import LoadedHermes, load_hermes
from relayclear.config.loading import examine
from relayclear.config.settings import Settings
from relayclear.errors import ConfigError, RelayclearError
from relayclear.hermes.config import HermesChain
from relayclear.hermes.keys import add_key_command, key_names, read_address
from relayclear.usecases.doctor_commands import SUGGESTED_KEY
from relayclear.usecases.starting import KnownChain

# Where a Hermes lies that runs as a user of its own; only looked at to be named in a hint.
_USUAL = ("/home/hermes/.hermes/config.toml", "/root/.hermes/config.toml", "/etc/hermes/config.toml")


def found_hermes(
    config_path: Path | None, environ: Mapping[str, str], flags: Mapping[str, Any]
) -> tuple[Settings, list[LoadedHermes]]:
    """The settings before there is a config, and every Hermes that they name.

    Whatever else is wrong is left to doctor: a first config must come to be.  Raises ConfigError for a
    Hermes config that isn't there or can't be read, naming one that lies somewhere usual.
    """
    settings, _ = examine(config_path=config_path, env=environ, flags=flags)
    try:
        return settings, load_hermes(settings)
    except ConfigError as error:
        usual = next((path for path in map(Path, _USUAL) if _is_there(path)), None)
        missing = not any(item.config.exists() for item in settings.hermes)
        hint = f"relayclear init --hermes-config {usual or 'FILE'}" if missing else error.hint
        raise ConfigError(error.message, hint=hint, code=error.code) from error


def forgetful(settings: Settings) -> Settings:
    """The same without a database: whoever only looks, as with --dry-run, keeps an empty home."""
    return replace(settings, store=replace(settings.store, url=Path(":memory:")))


def known_chains(loaded: Iterable[LoadedHermes], clearing_key: str) -> dict[str, KnownChain]:
    """Every chain by its id, by the first Hermes that has it."""
    found: dict[str, KnownChain] = {}
    for item in loaded:
        for chain in item.config.chains:
            found.setdefault(chain.id, _known(item, chain, clearing_key or SUGGESTED_KEY))
    return found


def hermes_tables(loaded: Sequence[LoadedHermes]) -> list[dict[str, Any]]:
    """What the file says of each Hermes, so that it no longer hangs on a flag, a variable or a home folder."""
    tables = []
    for item in loaded:
        table: dict[str, Any] = {"config": str(item.config.path), "command": list(item.settings.command)}
        if item.settings.work_dir is not None:
            table["work_dir"] = str(item.settings.work_dir)
        tables.append(table)
    return tables


def _is_there(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        return False


def _known(item: LoadedHermes, chain: HermesChain, clearing_key: str) -> KnownChain:
    try:
        daemon = read_address(chain, chain.key_name, command=item.settings.command, config=item.config.path)
    except RelayclearError:
        daemon = None
    return KnownChain(
        chain=chain.id,
        prefix=chain.account_prefix,
        gas_denom=chain.gas_price.denom,
        daemon_key=chain.key_name,
        daemon=daemon,
        keys=key_names(chain),
        add_key=add_key_command(chain, clearing_key, command=item.settings.command, config=item.config.path),
    )
