"""Refunds as people read them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from relayclear.cli.face import Face
from relayclear.cli.lines import print_filled, say_filled, say_trouble
from relayclear.cli.output import console, say
from relayclear.cli.tables import Cell, Column, print_table
from relayclear.ibc.coin import Coin
from relayclear.ibc.text import clean, visible
from relayclear.money.refund_state import RefundState
from relayclear.usecases.refund_resolve import Knot
from relayclear.usecases.refund_sweeps import Goes, Planned, SweepPlan
from relayclear.usecases.refund_view import RefundPage, RefundStory, RefundView
from relayclear.wording import coin, counted, moment, short
from relayclear.wording.refunding import (
    CAUSES,
    PLANS,
    REFUNDS,
    gates_line,
    release_lines,
    said_line,
    signed_line,
    steps,
    stop_line,
    sum_line,
    waits_line,
)

if TYPE_CHECKING:
    from rich.console import Console

_LABEL = 12
ID = 8


def print_page(face: Face, page: RefundPage, next_offset: int) -> None:
    """Print refunds, one a line; what to do next goes to stderr."""
    if page.refunds:
        print_refunds(face, page.refunds)
    if page.has_next:
        say(f"there are more: --offset {next_offset}")
    for one in page.sums:
        # The books and the audit have what is owed before fees: whoever adds the lines up finds the two to agree.
        say_filled(sum_line(one))
    say_owed(page)


def print_refunds(face: Face, views: Sequence[RefundView]) -> None:
    """Print refunds, one a line."""
    rows = []
    for view in views:
        word = REFUNDS[view.state]
        open_one = view.decided_at is None
        rows.append(
            [
                Cell(view.id[:ID]),
                Cell(f"{word.glyph} {word.word}", word.style),
                Cell(coin(view.net)),
                Cell(short(view.to) if view.to else "?"),
                Cell(moment(view.since)),
                Cell(view.cause.value.replace("_", " ")),
                Cell(waits_line(view) if open_one else ""),
            ]
        )
    columns = (
        Column("refund"),
        Column("state"),
        Column("sends", right=True, flexible=True),
        Column("to"),
        Column("since", drop=3),
        Column("cause", drop=2, folds=True),
        Column("why it waits", drop=1, folds=True),
    )
    print_table(console(face.color), columns, rows)


def print_chosen(face: Face, views: Sequence[RefundView]) -> None:
    """Print refunds that somebody is about to say yes to: address, amount and reason of each whole."""
    out = console(face.color)
    for view in views:
        out.print(f"{view.id[:ID]}  {coin(view.net)}", style="bold", soft_wrap=True)
        _line(out, "  to", (view.to or "nobody yet") + (f" over {view.over}" if view.over else ""))
        _line(out, "  because", "; ".join(CAUSES[cause] for cause, _ in view.parts))
        _line(out, "  it waits", waits_line(view))


def say_owed(page: RefundPage) -> None:
    """Say on stderr what waits, and the command that brings it on."""
    owed = page.owed
    for chain, stop in page.stops.items():
        say_trouble(*stop_line(chain, stop))
    if owed.approval:
        say(f"! {_wait(owed.approval)} for approval: relayclear refunds approve ID")
    if owed.by_itself + owed.approved:
        goes = owed.by_itself + owed.approved
        say(f"{goes} {'goes' if goes == 1 else 'go'} with the next sweep: relayclear refunds sweep")
    if owed.claim:
        say_filled(f"! {_wait(owed.claim)} for the payer to name an address: relayclear refunds claim ID")
    if owed.small:
        say(f"{_wait(owed.small)} as too little to send")
    if owed.away:
        say(f"{owed.away} {'is' if owed.away == 1 else 'are'} on the way")


def _wait(count: int) -> str:
    return f"{count} waits" if count == 1 else f"{count} wait"


def print_story(face: Face, story: RefundStory) -> None:
    """Print one refund with everything that is known of it."""
    out, view, word = console(face.color), story.view, REFUNDS[story.view.state]
    out.print(f"{word.glyph} {view.id} {word.word}", style=word.style, soft_wrap=True)
    print_filled(out, waits_line(view), "  ")
    _line(out, "sends", coin(view.net), "bold")
    over = f" over {view.over}" if view.over else ""
    _line(out, "to", (view.to or "nobody yet") + over)
    for cause, amount in view.parts:
        _line(out, "because", f"{CAUSES[cause]}: {coin(Coin(view.payment.denom, amount))}")
    if view.fee:
        _line(out, "fee kept", coin(Coin(view.payment.denom, view.fee)))
    arrival = story.payment.arrival
    sender = visible(arrival.sender or "not told", 90)
    _line(out, "payment", f"{arrival.tx_hash}/{arrival.ordinal} on {view.chain}")
    _line(out, "paid", f"{coin(arrival.coin)} from {sender} at {moment(arrival.at)}")
    _line(out, "token", view.token)
    _line(out, "since", moment(view.since))
    _print_signings(out, story)
    if story.events:
        out.print("what happened, in UTC:")
    for said in story.events:
        print_filled(out, clean(said_line(said), 500), f"  {moment(said.at)}  ")
    say_steps(steps(story))


def say_steps(found: Iterable[tuple[str, str]]) -> None:
    """Say on stderr what can be done; a command is never wrapped."""
    for what, command in found:
        if what:
            say_filled(f"next: {what}:")
        say(f"  {command}" if what else f"next: {command}")


def _print_signings(out: Console, story: RefundStory) -> None:
    for one in story.signings:
        signing = one.signing
        _line(out, "signed", f"{signing.tx_hash}, sequence {signing.sequence}: {clean(signed_line(one), 300)}")
        for sent in one.sent:
            code = "no answer" if sent.code is None else f"code {sent.code}"
            answer = f": {clean(sent.answer, 200)}" if sent.answer else ""
            _line(out, "  sent", f"{moment(sent.at)} at block {sent.at_height}, {code}{answer}")


def print_plan(face: Face, plan: SweepPlan, views: Sequence[RefundView]) -> None:
    """Print what a sweep of a chain would do, one refund a line."""
    out = console(face.color)
    through = f"payments read through {moment(plan.read_through)}" if plan.read_through else "no payments read yet"
    out.print(f"{plan.chain}: {counted(len(views), 'refund')}, {through}", soft_wrap=True)
    if views:
        print_table(out, _PLAN, [_planned(one, view) for one, view in zip(plan.refunds, views, strict=True)])
    if plan.obstacle is not None:
        say_trouble(f"nothing is signed on {plan.chain}: {plan.obstacle.why}", plan.obstacle.hint)
    if plan.stop is not None:
        say_trouble(*stop_line(plan.chain, plan.stop))


_PLAN = (
    Column("refund"),
    Column("does"),
    Column("sends", right=True, flexible=True),
    Column("to"),
    Column("why", drop=1, folds=True),
)


def _planned(one: Planned, view: RefundView) -> list[Cell]:
    word = PLANS[one.goes]
    waits = one.goes is Goes.WAITS
    why = (gates_line(one.gates) or waits_line(view)) if waits else word.meaning
    return [
        Cell(view.id[:ID]),
        Cell(f"{word.glyph} {word.word}", word.style),
        Cell(coin(view.net)),
        Cell(short(view.to) if view.to else "?"),
        Cell(why),
    ]


def print_knot(face: Face, knot: Knot, stake: Coin | None) -> None:
    """Print where a wallet stands, and what would release it."""
    out, lines = console(face.color), release_lines(knot)
    word, style = ("! it waits", "yellow") if lines else ("✓ nothing keeps it", "green")
    out.print(f"{word}: the wallet on {knot.chain}", style=style, soft_wrap=True)
    _line(out, "address", knot.address)
    _line(out, "sequence", f"{knot.on_chain} comes next by the chain, {knot.expected} by what was read")
    _line(out, "block", str(knot.head))
    for signing in knot.live:
        what = f"refund {signing.refund_id[:ID]}" if signing.refund_id else "nothing, to use the sequence up"
        _line(out, "signed", f"{signing.tx_hash} for {what}, until block {signing.timeout_height}")
    for sent in knot.sent:
        answer = f": {clean(sent.answer, 200)}" if sent.answer else ""
        _line(out, "  sent", f"at block {sent.at_height}, {'no answer' if sent.code is None else sent.code}{answer}")
    if stake is not None:
        _line(out, "at stake", coin(stake))
    for line in lines:
        _line(out, "so", clean(line, 600))


def brief(view: RefundView) -> str:
    """A refund after an act."""
    word = REFUNDS[view.state]
    to = f" to {view.to}" if view.to and view.state is not RefundState.WAIVED else ""
    return f"{word.glyph} {view.id} {word.word}: {coin(view.net)}{to}"


def _line(out: Console, label: str, text: str, style: str = "") -> None:
    print_filled(out, text, f"{label:<{_LABEL}}", style)
