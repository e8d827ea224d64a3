"""Keys that spend as people and programs see them; never their secrets."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from relayclear.cli.face import Face
from relayclear.cli.output import console, rfc3339
from relayclear.cli.tables import Cell, Column, print_table
from relayclear.ibc.spending import WalletKey
from relayclear.usecases.wallet_keys import WalletView
from relayclear.wording import moment


def print_wallet(face: Face, keys: Iterable[WalletView]) -> None:
    """Print the wallet's keys, one a line."""
    columns = (
        Column("chain"),
        Column("address"),
        Column("payee"),
        Column("added", drop=1),
        Column("path", drop=2),
        Column("kind", drop=3),
    )
    print_table(console(face.color), columns, [_cells(view) for view in keys])


def _cells(view: WalletView) -> list[Cell]:
    key = view.key
    word, style = {True: ("✓ yes", ""), False: ("✗ another", "red"), None: ("? none set", "yellow")}[view.is_payee]
    return [
        Cell(key.chain),
        Cell(key.address),
        Cell(word, style),
        Cell(moment(key.added_at)),
        Cell(key.path),
        Cell(key.kind),
    ]


def payee_lines(key: WalletKey) -> str:
    """What to put into the config, so that payments arrive at the key's account."""
    return f'[chains."{key.chain}"]\npayee = "{key.address}"'


def wallet_row(view: WalletView) -> dict[str, Any]:
    """A key; never its secret."""
    key = view.key
    return {
        "chain": key.chain,
        "address": key.address,
        "kind": key.kind,
        "path": key.path,
        "added_at": rfc3339(key.added_at),
        "is_payee": view.is_payee,
    }
