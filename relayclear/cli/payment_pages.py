"""Payments as people read them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from relayclear.cli.face import Face
from relayclear.cli.lines import print_filled, say_filled, say_trouble
from relayclear.cli.output import console, say
from relayclear.cli.tables import Cell, Column, print_table
from relayclear.ibc.text import clean, visible
from relayclear.money.settlement import Flaw
from relayclear.store.cursors import Gap
from relayclear.usecases.payments_view import PaymentPage, PaymentView
from relayclear.wording import coin, counted, moment, short
from relayclear.wording.paying import gap_state, payment_lines, reading_line, why_line, word_of

if TYPE_CHECKING:
    from rich.console import Console

_LABEL = 12


def print_page(face: Face, page: PaymentPage, next_offset: int, *, orphans: bool) -> None:
    """Print payments, one a line; how far was read and what needs somebody goes to stderr.

    `orphans`: only those of no token were asked for, so that what helps with one is said.
    """
    if page.payments:
        _print_payments(console(face.color), page.payments)
    for cursor in page.readings:
        say_filled(("! " if cursor.error else "") + clean(reading_line(cursor), 600))
    if page.has_next:
        say(f"there are more: --offset {next_offset}")
    if page.orphans:
        one = f"{counted(page.orphans, 'payment')} {'is' if page.orphans == 1 else 'are'} for no token"
        if orphans:
            say(f"! {one}. For a token, or else as what it was, or kept where nobody asks it back:")
            say('    relayclear payments assign PAYMENT TOKEN --reason "…"')
            say('    relayclear books assign --tx HASH --as deposit --reason "…"')
            say('    relayclear books write-off PAYMENT --reason "…"')
        else:
            say_trouble(one, "relayclear payments list --orphans")
    if page.lost:
        one = f"{counted(page.lost, 'payment')} {'is' if page.lost == 1 else 'are'} for tokens that were lost"
        say_trouble(one, "relayclear tokens import quotes.jsonl")
    for gap in page.gaps:
        say_trouble(f"heights {gap.first} to {gap.last} of {gap.chain} can't be read", "relayclear payments gaps")


def _print_payments(out: Console, views: Sequence[PaymentView]) -> None:
    rows = []
    for view in views:
        found, word = view.stored.arrival, word_of(view)
        flaws = " ".join(flaw.value for flaw in Flaw if view.paid and flaw in view.paid.flaws)
        near = f"meant {view.suggested}?" if view.suggested else ""
        rows.append(
            [
                Cell(f"{found.tx_hash[:8]}/{found.ordinal}"),
                Cell(f"{word.glyph} {word.word}", word.style),
                Cell(coin(found.coin)),
                Cell(view.token or near or visible(found.memo, 34)),
                Cell(moment(found.at)),
                Cell(flaws or (why_line(view) if view.token is None else "")),
                Cell(short(visible(found.sender or "", 90))),
            ]
        )
    columns = (
        Column("payment"),
        Column("state"),
        Column("amount", right=True, flexible=True),
        Column("token", flexible=True),
        Column("at", drop=1),
        Column("remark", drop=3, folds=True),
        Column("from", drop=2),
    )
    print_table(out, columns, rows)


def print_payment(face: Face, view: PaymentView) -> None:
    """Print one payment with everything that arrived, and what it is for."""
    out, found, word = console(face.color), view.stored.arrival, word_of(view)
    out.print(f"{word.glyph} {coin(found.coin)} {word.word}", style=word.style, soft_wrap=True)
    for label, text in payment_lines(view):
        _line(out, label, text, "bold" if label == "token" else "")


def print_gaps(face: Face, gaps: Sequence[tuple[Gap, bool]]) -> None:
    """Print gaps, one a line, each with whether it still stops the reading."""
    rows = []
    for gap, is_open in gaps:
        word = gap_state(gap, is_open=is_open)
        accepted = f"{visible(gap.accepted.who, 20)}: {visible(gap.accepted.reason, 60)}" if gap.accepted else ""
        rows.append(
            [
                Cell(str(gap.id)),
                Cell(f"{word.glyph} {word.word}", word.style),
                Cell(gap.chain),
                Cell(f"{gap.first}..{gap.last}"),
                Cell(moment(gap.found_at)),
                Cell(accepted or clean(gap.why, 100)),
            ]
        )
    columns = (
        Column("gap", right=True),
        Column("state"),
        Column("chain"),
        Column("heights"),
        Column("found", drop=1),
        Column("why", drop=2, folds=True),
    )
    print_table(console(face.color), columns, rows)


def _line(out: Console, label: str, text: str, style: str = "") -> None:
    print_filled(out, text, f"{label:<{_LABEL}}", style)
