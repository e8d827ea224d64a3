"""Tokens as people read them: the quote for the operator, the text for the payer, the state with its reasons."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from relayclear.cli.face import Face
from relayclear.cli.lines import print_filled, say_filled
from relayclear.cli.output import console
from relayclear.cli.refund_pages import brief as refund_brief
from relayclear.cli.tables import Cell, Column, print_table
from relayclear.ibc.coin import Coin
from relayclear.ibc.text import clean, visible
from relayclear.money.document import SignedQuote, fingerprint
from relayclear.money.token import ClearingToken
from relayclear.usecases.quote_values import Issued, NoteCode
from relayclear.usecases.refund_view import RefundView
from relayclear.usecases.tokens_view import TokenView
from relayclear.wording import coin, moment, short
from relayclear.wording.offering import gas_basis, note_line, packets_text, pay_command, payer_line
from relayclear.wording.selling import TOKENS, over_line, token_sentences
from relayclear.wording.tokens import owed_line, packets_said, payment_line

if TYPE_CHECKING:
    from rich.console import Console

_LABEL = 15


def print_issued(face: Face, issued: Issued, for_payer: str) -> None:
    """Print a new quote: what it costs and why, the text for the payer, the command; remarks go to stderr."""
    out = console(face.color)
    print_terms(out, issued.token)
    out.print()
    out.print("for the payer:", style="bold")
    _plain(out, for_payer)
    command = pay_command(issued.token, issued.sold)
    if command:
        out.print()
        out.print("or with the chain's own program:", style="bold")
        _plain(out, command)
    for note in issued.notes:
        say_filled(f"! {note_line(note)}" if note.code is not NoteCode.REPEATED else note_line(note))
    if issued.payer is not None:
        say_filled(("! " if issued.payer.missing else "") + payer_line(issued.payer))


def print_terms(out: Console, token: ClearingToken) -> None:
    """Print what a token is for and what its price is made of."""
    quote = token.quote
    _line(out, "token", token.memo, "bold")
    _line(out, "for", packets_text(token))
    waived = f", waived: {clean(quote.waived, 60)}" if quote.waived is not None else ""
    _line(out, "price", f"{coin(token.price)} on {quote.chain}{waived}")
    _line(out, "  service fee", coin(Coin(quote.denom, quote.service_fee)))
    _line(out, "  packets", f"{coin(Coin(quote.denom, quote.packet_fee))} for {len(quote.packets)}")
    _line(out, "  gas", f"{coin(Coin(quote.denom, quote.gas_fee))}, {gas_basis(quote.gas_basis)}")
    refund_fee = coin(Coin(quote.denom, quote.refund_fee(quote.denom) or 0))
    _line(out, "refund fee", f"{refund_fee}, kept where the payer is the cause")
    _line(out, "payable until", moment(token.expires_at))


def print_view(face: Face, view: TokenView, refunds: Sequence[RefundView] = ()) -> None:
    """Print a token: state, what happened and what comes next, its packets, payments, debts and refunds."""
    out, word = console(face.color), TOKENS[view.state]
    out.print(f"{word.glyph} {view.token.memo} {word.word}", style=word.style)
    for sentence in token_sentences(view):
        print_filled(out, sentence, "  ")
    _print_revoked(out, view)
    out.print()
    print_terms(out, view.token)
    _line(out, "payments read", _read(view))
    for name, said in packets_said(view):
        _line(out, name, said)
    _print_payments(out, view)
    for due in view.owed:
        _line(out, "owed back", owed_line(due), "yellow")
    for refund in refunds:
        _line(out, "refund", refund_brief(refund))
    if view.operation is not None:
        _line(out, "work", f"relayclear operations show {view.operation.id}")


def _read(view: TokenView) -> str:
    if view.scanned_through is None:
        return "not yet: relayclear watch"
    through = f"through block height {view.scanned_height}, {moment(view.scanned_through)}"
    return through if view.was_looked_for else f"{through}, before this quote was made: relayclear watch"


def _print_revoked(out: Console, view: TokenView) -> None:
    revocation = view.stored.revocation
    if revocation is not None:
        why = f"revoked {moment(revocation.at)} by {visible(revocation.who, 40)}: {clean(revocation.why, 200)}"
        print_filled(out, why, "  ")
    elif view.key_revoked:
        print_filled(out, f"its signing key {view.token.ref.kid} was revoked", "  ")


def _print_payments(out: Console, view: TokenView) -> None:
    for paid in view.settlement.payments:
        _line(out, "payment", payment_line(paid))


def print_list(face: Face, views: Sequence[TokenView]) -> None:
    """Print tokens, one a line."""
    rows = []
    for view in views:
        word, token = TOKENS[view.state], view.token
        flaws = " ".join(flaw.value for flaw in view.flaws)
        rows.append(
            [
                Cell(token.memo),
                Cell(f"{word.glyph} {word.word}", word.style),
                Cell(coin(token.price)),
                Cell(f"{token.quote.packets[0].key.end} x{len(token.quote.packets)}"),
                Cell(moment(token.expires_at)),
                Cell(flaws),
            ]
        )
    columns = (
        Column("token"),
        Column("state"),
        Column("price", right=True, flexible=True),
        Column("packets", drop=2, folds=True),
        Column("payable until", drop=1),
        Column("flaws", drop=3, folds=True),
    )
    print_table(console(face.color), columns, rows)


def print_verified(face: Face, signed: SignedQuote, *, known: bool, over: bool) -> None:
    """Print what a checked quote says, who signed it, and that it is over where it is."""
    out, token, name = console(face.color), signed.token, fingerprint(signed.public_key)
    if over:
        print_filled(out, over_line(token), "✗ ", "red")
    word = "signature good" if over else "valid"
    if known:
        print_filled(out, f"{word}, signed by {name}, the key you named", "✓ ", "green")
    else:
        print_filled(out, f"{word}, signer not known: {name}", "! ", "yellow")
    print_terms(out, token)
    _line(out, "pay to", token.payee)
    _line(out, "refund to", token.refund_to or "the account that pays")


def print_codes(token: ClearingToken) -> None:
    """Print the address and the memo as two codes to be scanned, each with its label."""
    import segno

    for label, text in (("address", token.payee), ("memo", token.memo)):
        sys.stdout.write(f"\n{label}: {visible(text, 128)}\n")
        segno.make(text, micro=False, error="m").terminal(out=sys.stdout, compact=True, border=2)
    sys.stdout.flush()


def brief(view: TokenView) -> str:
    """A token in a few words, for a line after an act."""
    return f"{short(view.token.memo, 34)} is {TOKENS[view.state].word}"


def _plain(out: Console, text: str) -> None:
    """Text to be copied: never wrapped, coloured or marked up."""
    out.print(text, markup=False, highlight=False, soft_wrap=True)


def _line(out: Console, label: str, text: str, style: str = "") -> None:
    print_filled(out, text, f"{label:<{_LABEL}}", style)
