"""Who may read and write the files that relayclear lives on, for doctor to judge."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from relayclear.bootstrap.loading import LoadedHermes
from relayclear.config.settings import QUOTES, Settings
from relayclear.ibc.text import redact
from relayclear.usecases.doctor_facts import FileFacts

WORDS = "clearing-keys"
"""The folder beside the config in which `init` leaves the words of the keys that it made."""

_SIGNING = "whoever reads signing keys can issue quotes in your name"
_HERMES_KEY = "whoever reads a key of Hermes owns what its account holds"
_MEMORY = "it tells who paid what, and what you know of them"
_PASSPHRASE = "whoever reads it can open the wallet file"  # noqa: S105  a sentence


def configs(settings: Settings, loaded: Sequence[LoadedHermes]) -> tuple[FileFacts, ...]:
    """Our own config, where there is one, and each Hermes'."""
    paths = [*([settings.file] if settings.file else []), *(item.config.path for item in loaded)]
    return tuple(_config(path) for path in paths)


def private(settings: Settings, loaded: Iterable[LoadedHermes]) -> tuple[FileFacts, ...]:
    """What nobody else should look into, as far as it is there; never opened for this."""
    found = [_facts(path, why) for path, why in _private(settings, loaded)]
    return tuple(one for one in found if one.mode is not None)


def programs(path: str | None) -> tuple[FileFacts, ...]:
    """What the daemon starts beside Hermes: whoever can write it runs as us."""
    return () if path is None else (replace(_facts(Path(path), ""), holds_secrets=False),)


def words(settings: Settings) -> tuple[Path, ...]:
    """The files with the words of clearing keys that `init` made, and that nobody has put away."""
    folder = (settings.file or settings.places.config_file).parent / WORDS
    try:
        return tuple(sorted(path for path in folder.iterdir() if path.suffix == ".txt"))
    except OSError:
        return ()


def _private(settings: Settings, loaded: Iterable[LoadedHermes]) -> Iterator[tuple[Path, str]]:
    database, keys = settings.database, settings.keys_dir
    # Its log beside it gets the same mode whenever SQLite makes it.
    yield database, _MEMORY
    yield database.with_name(QUOTES), _MEMORY
    yield keys, _SIGNING
    yield from ((path, _SIGNING) for path in _inside(keys))
    yield from ((path, _HERMES_KEY) for path in words(settings))
    if settings.keys.passphrase_file is not None:
        yield settings.keys.passphrase_file, _PASSPHRASE
    for item in loaded:
        for chain in item.config.chains:
            folder = chain.key_store_folder / chain.id / "keyring-test"
            yield from ((path, _HERMES_KEY) for path in _inside(folder))


def _inside(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.suffix == ".json")
    except OSError:
        return []


def _facts(path: Path, why: str) -> FileFacts:
    try:
        found = path.stat()
    except OSError:
        return FileFacts(str(path), None)
    return FileFacts(str(path), found.st_mode & 0o777, holds_secrets=True, why=why, is_folder=path.is_dir())


def _config(path: Path) -> FileFacts:
    try:
        mode = path.stat().st_mode & 0o777
        text = path.read_text(errors="replace")
    except OSError:
        return FileFacts(str(path), None)
    return FileFacts(str(path), mode, holds_secrets=redact(text) != text)
