"""The books as people read them: one block a book, no wider than 80 columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from relayclear.cli.face import Face
from relayclear.cli.lines import print_filled, say_filled
from relayclear.cli.output import console
from relayclear.cli.tables import Cell, Column, print_table
from relayclear.ibc.text import clean, visible
from relayclear.money.ledger import CAME, LEFT, SOURCES, USES, Account
from relayclear.usecases.audit_values import BookAudit, ChainAudit
from relayclear.usecases.books_daily import Day, WalletLine
from relayclear.usecases.books_values import Said
from relayclear.wording import moment
from relayclear.wording.books import ACCOUNTS, assigned_line, audit_line, finding_line
from relayclear.wording.refunding import stop_line, strange_line

if TYPE_CHECKING:
    from rich.console import Console

_LABEL = 18
_Line = tuple[str, str, int]
_ALWAYS = ("should hold", "on the chain")
_REST = "all else is zero, and so are both differences"
_REST_OFF = "all else is zero"
_BECAME = "of what payers sent, more or less than the day before:"


def print_said(face: Face, said: Said) -> None:
    """Print what stands said of each movement."""
    out = console(face.color)
    for one in said.assigned:
        print_filled(out, visible(assigned_line(one), 600))
    if said.settled:
        say_filled("nothing of it is unexplained any more: refunds of that wallet may be signed again")


def print_audit(face: Face, found: Iterable[ChainAudit]) -> None:
    """Print every book with both equations, and under each chain what doesn't agree."""
    out = console(face.color)
    for chain in found:
        for book in chain.books:
            out.print("\n".join(_book_lines(chain, book)), soft_wrap=True)
        for one in chain.findings:
            print_filled(out, clean(f"{one.place.denom}: {finding_line(one)}", 600), "✗ ", "red")
        print_filled(out, clean(audit_line(chain), 600), style="" if chain.agrees else "red")
        _print_held_up(out, chain)


def _print_held_up(out: Console, chain: ChainAudit) -> None:
    """What keeps refunds from going, though the books may agree, each with the command that helps."""
    lines = [strange_line(chain.chain, use) for use in chain.strange]
    for what, hint in [*lines, *([stop_line(chain.chain, chain.stop)] if chain.stop else [])]:
        print_filled(out, clean(what, 600), "! ", "yellow")
        out.print(f"  try: {hint}", soft_wrap=True)


def _book_lines(chain: ChainAudit, one: BookAudit) -> list[str]:
    book, (first, second) = one.book, one.off
    lines: list[_Line] = [
        *(("", ACCOUNTS[name], book.totals[name]) for name in SOURCES),
        ("=", "came in", book.sources),
        *(("", ACCOUNTS[name], book.totals[name]) for name in USES),
        ("=", "accounted for", book.uses),
        ("Δ", "difference", first),
        *(("+", ACCOUNTS[name], book.totals[name]) for name in CAME),
        *(("-", ACCOUNTS[name], book.totals[name]) for name in LEFT),
        ("=", "should hold", book.should_hold),
        ("", "on the chain", one.on_chain),
        ("Δ", "difference", second),
    ]
    title = f"{chain.chain} {one.place.denom}, through block {chain.through}, {moment(chain.at)}"
    kept = [line for line in lines if line[2] or line[1] in _ALWAYS]
    return [visible(title, 200), *_amounts(kept, _width(kept)), f"    {_REST if not any(one.off) else _REST_OFF}"]


def _width(lines: Iterable[_Line]) -> int:
    return max(len(str(amount)) for _, _, amount in lines)


def _amounts(lines: Iterable[_Line], width: int) -> list[str]:
    return [f"  {sign:1} {label:<{_LABEL}}{amount:>{width}}" for sign, label, amount in lines]


def print_days(face: Face, found: Sequence[Day]) -> None:
    """Print a block a day and book: what it opened with, what came and left, what it closed with; whose it became."""
    out = console(face.color)
    for one in found:
        out.print("\n".join(_day_lines(one)), soft_wrap=True)


def _day_lines(one: Day) -> list[str]:
    # The day on which reading began opens with what was there already: that came on no day.
    began = one.moved.get(Account.OPENING, 0)
    where = ", where reading began" if began else ""
    title = f"{one.day.isoformat()} {one.place.chain} {one.place.denom}{where}"
    flows = [("+", name) for name in CAME if name is not Account.OPENING] + [("-", name) for name in LEFT]
    moved: list[_Line] = [(sign, ACCOUNTS[name], one.moved[name]) for sign, name in flows if name in one.moved]
    uses: list[_Line] = [
        ("", ACCOUNTS[name], one.moved[name]) for name in (Account.OUR_LOSS, *USES) if name in one.moved
    ]
    lines: list[_Line] = [("", "opened with", one.opening + began), *moved, ("=", "closed with", one.closing)]
    width = _width([*lines, *uses])
    became = [f"  {_BECAME}", *_amounts(uses, width)] if uses else []
    return [visible(title, 200), *_amounts(lines, width), *became]


def print_withdrawable(face: Face, found: Iterable[WalletLine]) -> None:
    """Print what may be taken out of each wallet, a line a denom."""
    rows = [
        [
            Cell(wallet.chain),
            Cell(visible(one.place.denom, 90)),
            *(Cell(str(n)) for n in (one.balance, one.held, one.owed, one.orphaned, one.reserve)),
            Cell(str(one.amount), "bold"),
        ]
        for wallet in found
        for one in wallet.rows
    ]
    columns = (
        Column("chain"),
        Column("denom", flexible=True),
        Column("balance", right=True, drop=5),
        Column("held", right=True, drop=4),
        Column("owed", right=True, drop=3),
        Column("orphaned", right=True, drop=2),
        Column("for gas", right=True, drop=1),
        Column("withdrawable", right=True),
    )
    print_table(console(face.color), columns, rows)
