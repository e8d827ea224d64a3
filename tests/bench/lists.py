"""Every list and filter over a million operations, in a file that is made once and kept."""

from __future__ import annotations

import os
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from relayclear.store.db import MIGRATIONS, open_database
from tests.bench.figures import Figure
from tests.bench.ground import Ground
from tests.store import many, sold

OPERATIONS = 1_000_000
LIMIT_MS = 50.0
_ROUNDS = 5


def lists(_ground: Ground, rounds: int | None) -> Sequence[Figure]:
    """The slowest of the lists: its median of so many rounds, and the slowest that one was at first."""
    with open_database(_filled(OPERATIONS)) as database:
        took = list(many.times(database, OPERATIONS, rounds or _ROUNDS))
    name, _, middle = max(took, key=lambda one: one[2])
    first_name, first, _ = max(took, key=lambda one: one[1])
    return (
        Figure(f"of {len(took)} lists the slowest, {name!r},", middle * 1000, "ms", LIMIT_MS),
        Figure(f"slowest when first asked, {first_name!r},", first * 1000, "ms"),
    )


def _filled(count: int) -> Path:
    """The kept database; it is made anew when the schema or what it is filled with has changed, a few minutes' work."""
    sources = [Path(many.__file__), Path(sold.__file__), *sorted(MIGRATIONS.glob("*.sql"))]
    version = sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()[:12]
    kept = _cache() / f"many-{count}-{version}.db"
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        for outdated in kept.parent.glob(f"many-{count}-*.db*"):
            outdated.unlink()
        making = kept.with_suffix(".db.making")
        with open_database(making) as database:
            many.fill(database, count)
        making.rename(kept)
    return kept


def _cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "relayclear" / "bench"
