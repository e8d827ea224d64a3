"""Everything in the configs that nobody may see, so that it can be taken out of whatever leaves the machine."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

from relayclear.config.settings import Settings
from relayclear.hermes.config import secrets
from relayclear.ibc.text import clean, hiding


def hider(settings: Settings) -> Callable[[str], str]:
    """A function that cleans a text for strangers: without credentials in URLs, or parts of ours anywhere in it."""
    hide = hiding({secret for path in _configs(settings) for secret in _of(path)})
    return lambda text: hide(clean(text))


def _configs(settings: Settings) -> Iterator[Path]:
    yield from (hermes.config for hermes in settings.hermes)
    if settings.file is not None:
        yield settings.file


def _of(path: Path) -> set[str]:
    """The secrets of a file; none of one that can't be read, as nothing of it is known then either."""
    try:
        return secrets(tomllib.loads(path.read_text(encoding="utf-8-sig")))
    except (OSError, ValueError, RecursionError):
        return set()
