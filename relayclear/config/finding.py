"""Which config file counts, what stands in it, and where the database is.

Apart from the settings because a shell waits for completion on every tab: reading all of them takes longer than that.
"""

from __future__ import annotations

import os
import shlex
import stat
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from relayclear.config.places import Places
from relayclear.errors import ConfigError

PREFIX = "RELAYCLEAR_"
CONFIG_VARIABLE = PREFIX + "CONFIG"
DATABASE = "relayclear.db"
# Shorter names for what is set most often; the long ones, RELAYCLEAR_STORE_URL, work too.
SHORT_NAMES = {PREFIX + "DB": "store.url", PREFIX + "PASSPHRASE_FILE": "keys.passphrase_file"}


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """Which config file counts, and who said so; `named` is False for the default place."""

    path: Path
    origin: str
    named: bool


def find(config_path: Path | None, env: Mapping[str, str], places: Places) -> ConfigFile:
    """The config file that counts, whether it exists or not."""
    if config_path is not None:
        return ConfigFile(places.resolve(config_path, places.here), "flag", named=True)
    if env.get(CONFIG_VARIABLE):
        path = places.resolve(Path(env[CONFIG_VARIABLE]), places.here)
        return ConfigFile(path, f"env {CONFIG_VARIABLE}", named=True)
    return ConfigFile(places.config_file, "default", named=False)


def read_toml(file: ConfigFile) -> dict[str, Any] | None:
    """The file's tables; None where the default file isn't there, which is fine.

    Raises ConfigError for a named file that isn't there, for one that anybody may write, for anything that isn't TOML.
    """
    try:
        with file.path.open("rb") as opened:
            _refuse_open(os.fstat(opened.fileno()).st_mode, file.path)
            data = opened.read()
    except FileNotFoundError:
        if not file.named:
            return None
        said_by = "--config" if file.origin == "flag" else CONFIG_VARIABLE
        raise ConfigError(
            f"{file.path}: no such file",
            hint=f"named by {said_by}; without it, see relayclear config path",
        ) from None
    except OSError as error:
        raise ConfigError(
            f"{file.path}: can't be read: {error.strerror}", hint=f"ls -l {shlex.quote(str(file.path))} tells who may"
        ) from error
    try:
        # Decimal, because 1.5 is a factor on money.
        return tomllib.loads(data.decode("utf-8-sig"), parse_float=Decimal)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{file.path}: not UTF-8 (at line {line})", hint="save the file as UTF-8") from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(
            f"{file.path}: not valid TOML: {error}", hint="correct that line; relayclear config validate looks again"
        ) from error


def _refuse_open(mode: int, path: Path) -> None:
    """Raises ConfigError where anybody may write the file: it names the program that is started, and who is paid.

    A group may, as umask 002 has it on systems where each user has one; doctor warns of that.
    """
    if stat.S_ISREG(mode) and mode & stat.S_IWOTH:
        raise ConfigError(
            f"{path}: anybody may write it, and so choose the program that is started and who is paid",
            hint=f"chmod go-w {shlex.quote(str(path))}",
        )


def database_place(
    config_path: Path | None, env: Mapping[str, str], flags: Mapping[str, str | None], places: Places | None = None
) -> Path:
    """Where the database is: `load(…).database` without its checks of everything else; a test holds it to that.

    Raises ConfigError for a file that can't be read, ValueError for no text.
    """
    places = places or Places.of_user()
    file = find(config_path, env, places)
    said = flags.get("store.url") or env.get(PREFIX + "DB") or env.get(PREFIX + "STORE_URL")
    if said:
        return places.resolve(database_path(said) or places.data / DATABASE, places.here)
    stored = (read_toml(file) or {}).get("store", {}).get("url", "")
    return places.resolve(database_path(stored) or places.data / DATABASE, file.path.parent)


def database_path(text: str) -> Path | None:
    """The file that a text names, by its path or as sqlite:///PATH; None for the default.  Raises ValueError."""
    scheme, found, rest = text.partition("://")
    if found and scheme != "sqlite":
        raise ValueError(f"{scheme} databases are not supported yet")
    path = rest.removeprefix("/") if found else text
    if "\0" in path:
        raise ValueError
    return Path(path) if path else None
