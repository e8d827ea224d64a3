"""Where the settings are read from: flag, then environment, then file, then default."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from relayclear.config.finding import CONFIG_VARIABLE, PREFIX, SHORT_NAMES, find, read_toml
from relayclear.config.places import Places
from relayclear.config.reading import Override, Reader, known_keys
from relayclear.config.settings import Settings, Shape, tables_of
from relayclear.errors import ConfigError
from relayclear.ibc.nearest import did_you_mean, nearest


def load(
    *,
    config_path: Path | None,
    env: Mapping[str, str],
    flags: Mapping[str, Any],
    places: Places | None = None,
) -> Settings:
    """Read the settings.  `flags` maps full key paths to values, None for a flag not given.

    Raises ConfigError with the first problem; its hint says where to see the others.
    """
    settings, problems = examine(config_path=config_path, env=env, flags=flags, places=places)
    if problems:
        others = len(problems) - 1
        hint = f"relayclear config validate shows {others} more" if others else problems[0].hint
        raise ConfigError(problems[0].message, hint=hint)
    return settings


def examine(
    *,
    config_path: Path | None,
    env: Mapping[str, str],
    flags: Mapping[str, Any],
    places: Places | None = None,
) -> tuple[Settings, tuple[ConfigError, ...]]:
    """Read the settings with every problem there is; what has one keeps its default."""
    places = places or Places.of_user()
    file = find(config_path, env, places)
    problems: list[ConfigError] = []
    document: dict[str, Any] | None = None
    try:
        document = read_toml(file)
    except ConfigError as error:
        problems.append(error)
    overrides = dict(_from_environment(env, problems))
    overrides |= dict(_from_flags(flags))
    reader = Reader(file.path if document is not None else None, places, overrides, problems)
    return reader.settings(document or {}), tuple(reader.problems)


def variables() -> dict[str, str]:
    """Every environment variable that sets a key: variable -> the key's full path."""
    by_name = tuple(f"{name}." for name, table in tables_of(Settings).items() if table.shape is Shape.BY_NAME)
    scalars = [path for path, key in known_keys() if key.kind.from_text and not path.startswith(by_name)]
    return SHORT_NAMES | {PREFIX + path.replace(".", "_").upper(): path for path in scalars}


def _from_environment(env: Mapping[str, str], problems: list[ConfigError]) -> Iterator[tuple[str, Override]]:
    known, keys = variables(), dict(known_keys())
    _refuse_unknown(env, known, problems)
    # Reversed, so that of a short and a long name the short one is kept.
    for variable in reversed(known):
        text = env.get(variable, "")
        path = known[variable]
        from_text = keys[path].kind.from_text
        if not text or from_text is None:
            continue
        raw = text.split(os.pathsep) if path == "hermes.config" else from_text(text)
        yield path, Override(raw, f"env {variable}", f"the variable {variable}")


def _from_flags(flags: Mapping[str, Any]) -> Iterator[tuple[str, Override]]:
    keys = dict(known_keys())
    for path, value in flags.items():
        if value is None:
            continue
        text = str(value) if isinstance(value, (str, Path)) else None
        from_text = keys[path].kind.from_text
        raw = value if text is None or from_text is None else from_text(text)
        yield path, Override(raw, "flag", f"the flag for {path}")


def _refuse_unknown(env: Mapping[str, str], known: Mapping[str, str], problems: list[ConfigError]) -> None:
    # Only what begins like a table of ours, or is a slip away from a short name: RELAYCLEAR_LOCALNET and its like
    # belong to others.
    sections = tuple(f"{PREFIX}{name.upper()}_" for name in tables_of(Settings))
    short = [name.removeprefix(PREFIX) for name in (CONFIG_VARIABLE, *SHORT_NAMES)]
    for variable in sorted(env):
        if not variable.startswith(PREFIX) or variable in known or variable == CONFIG_VARIABLE:
            continue
        slip = nearest(variable.removeprefix(PREFIX), short, 1, cutoff=0.75)
        if variable.startswith(sections) or slip:
            meant = f"; did you mean {PREFIX}{slip[0]}?" if slip else did_you_mean(variable, known)
            problems.append(ConfigError(f"the variable {variable} sets no key{meant}", hint=f"unset {variable}"))
