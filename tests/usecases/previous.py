"""A shop in the middle of its work, as the version with schema 4 left it in `data/version_4.sql`.

`python -m tests.usecases.previous FILE`, run in a checkout of such a version, writes that text: its memos and
ids are random, so a file written anew is another one with the same story.  The chains are not in it: whoever
takes it over plays the story's payments once more on a new world, which puts the same bytes into the same blocks.
"""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from relayclear.money.token import ClearingToken
from tests.fakes.rig import opened_rig
from tests.usecases.powercut import PowerCutError
from tests.usecases.refunding import Giver

STORED = Path(__file__).with_name("data") / "version_4.sql"
EXCESS = 50_000


def story(giver: Giver, sold: Sequence[ClearingToken] = ()) -> None:
    """Three sales: Hermes is cut off in one, one was overpaid and its refund is signed, one is only paid.

    With `sold`, the tokens of a stored database, only what the chains saw of it is played.
    """
    keys = giver.rig.stuck(count=3)
    tokens = [sold[number] if sold else giver.quote([key]) for number, key in enumerate(keys)]
    giver.pay(tokens[0])
    giver.blocks(2)
    giver.read()
    if not sold:
        _killed_at_its_work(giver)
    giver.pay(tokens[1], tokens[1].price.amount + EXCESS, who="bob")
    giver.blocks(2)
    giver.read()
    if not sold:
        giver.rig.alpha.drops = 1
        giver.sweep(patience=0)
        giver.rig.alpha.drops = 0
    giver.pay(tokens[2])
    giver.blocks(2)
    giver.read()


def _killed_at_its_work(giver: Giver) -> None:
    def cut(point: str) -> None:
        """The process is gone once its intent is written."""
        if point == "before run":
            raise PowerCutError(point)

    giver.fault = cut
    with suppress(PowerCutError):
        giver.work()
    giver.fault = lambda _: None


def write(to: Path) -> None:
    """Play the story and write its database as text."""
    with TemporaryDirectory() as folder:
        with opened_rig(Path(folder)) as rig:
            story(Giver(rig, Path(folder) / "shop"))
        with closing(sqlite3.connect(Path(folder) / "relayclear.db")) as database:
            to.write_text("\n".join(database.iterdump()) + "\n", encoding="utf-8")


def restore(path: Path) -> None:
    """Make the database of the text."""
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.executescript(STORED.read_text(encoding="utf-8"))


if __name__ == "__main__":
    write(Path(sys.argv[1]))
