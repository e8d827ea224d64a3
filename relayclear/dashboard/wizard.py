"""From marked packets to a quote that is paid and cleared, in four steps; the chains are read beside the screen."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from secrets import token_hex
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Input, Static
from textual.worker import Worker

from relayclear.dashboard.codes import qr
from relayclear.dashboard.host import Host
from relayclear.dashboard.lines import Line
from relayclear.dashboard.live import Living
from relayclear.dashboard.quote_steps import ASKED, KEYS, TITLES, Step
from relayclear.dashboard.reader import Shelf
from relayclear.dashboard.states import Found, Trouble
from relayclear.errors import RelayclearError
from relayclear.ibc.duration import parse_duration
from relayclear.ibc.packet import ChannelEnd, PacketKey, SequenceRanges
from relayclear.money.state import TokenState
from relayclear.usecases.board_rows import PacketRow
from relayclear.usecases.quote import make_quote, preview_quote
from relayclear.usecases.quote_values import Issued, Preview, QuoteRequest
from relayclear.usecases.sales_view import TokenStory, token_story
from relayclear.usecases.steps import progress
from relayclear.wording.quoting import (
    confirm_lines,
    error_lines,
    expires_words,
    follow_lines,
    issued_lines,
    option_lines,
    pay_lines,
    price_lines,
    selected_lines,
    unsellable,
)

_PAYABLE = (TokenState.OPEN, TokenState.PARTLY_PAID)


_CODES = ("memo", "address")


Made = Callable[[Collection[PacketKey]], None]
"""Told for which packets a quote was made."""


async def open_wizard(host: Host, rows: Sequence[PacketRow], made: Made) -> None:
    """Sell the clearing of these packets; with none there is nothing to sell."""
    if not rows:
        host.notify("Mark packets first: space in the view Packets.", severity="warning")
        return
    await host.push_screen(Wizard(host, rows, made))


class Wizard(Living, ModalScreen[None]):
    """The wizard.  Nothing is kept before the third step says yes; leaving the fourth leaves the quote as it is."""

    # The field is there only while something is typed: keys are the wizard's own otherwise.
    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "back", show=False),
        Binding("enter", "next", "go on", show=False),
        Binding("y", "yes", "yes, copy", show=False),
        Binding("n", "no", "no", show=False),
        Binding("o", "other_channel", "other channel", show=False),
        Binding("r", "again", "read again", show=False),
        Binding("d", "coin", "coin", show=False),
        Binding("c", "chain_or_code", "chain, code", show=False),
        Binding("w", "ask('payer')", "payer", show=False),
        Binding("t", "ask('refund_to')", "refund to", show=False),
        Binding("e", "ask('expires')", "expires", show=False),
        Binding("f", "ask('waive')", "for free", show=False),
        Binding("x", "turn('from_exchange')", "exchange", show=False),
        Binding("a", "turn('anyway')", "anyway", show=False),
        Binding("j,down", "scroll(1)", "down", show=False),
        Binding("k,up", "scroll(-1)", "up", show=False),
    ]

    def __init__(self, host: Host, rows: Sequence[PacketRow], made: Made) -> None:
        super().__init__()
        self._host, self._rows, self._made = host, rows, made
        self._ends = list(dict.fromkeys(row.path.source for row in rows))
        self.step = Step.SELECT
        self.request = self._request(self._ends[0])
        self.preview: Preview | None = None
        self.issued: Issued | None = None
        self.story: TokenStory | None = None
        self.error: RelayclearError | None = None
        self._trouble: Trouble | None = None
        self._steps: dict[int, str] = {}
        self._work: Worker[None] | None = None
        self._asking = ""
        self._code = 0
        self._drawn = ""

    def _request(self, end: ChannelEnd) -> QuoteRequest:
        """What would be asked for: those of one channel that can be sold; made twice by mistake it is made once."""
        chosen = [row.sequence for row in self._rows if row.path.source == end and unsellable(row) is None]
        key = f"dashboard-{token_hex(8)}"
        sequences, who = SequenceRanges.of(chosen), self._host.start.who
        return QuoteRequest(end.chain, end.channel, end.port, sequences, who, idempotency_key=key)

    @property
    def end(self) -> ChannelEnd:
        """The channel end whose packets are sold."""
        return self._ends[0]

    @property
    def busy(self) -> bool:
        """Whether the chains are being read."""
        return self._work is not None and not self._work.is_finished

    # What is shown

    def compose(self) -> ComposeResult:
        """The step's text; in the last one with the code beside what becomes of the quote."""
        with VerticalScroll(can_focus=False):
            yield Line(id="told")
            with Horizontal(id="paying"):
                yield Static("", id="code", markup=False)
                yield Line(id="followed")
        yield Input(id="field")
        yield Line(classes="pagekeys")

    def on_mount(self) -> None:
        """The first step."""
        self.query_one("#field", Input).display = False
        self.draw()

    def draw(self) -> None:
        """Show the step as it stands."""
        if not self.query(".pagekeys"):
            return
        body = self.query_one(VerticalScroll)
        body.border_title = f"New quote {self.step.value}/{len(Step)}: {TITLES[self.step]}"
        self.query_one("#told", Line).say("\n".join(self._lines()))
        self.query_one(".pagekeys", Line).say(self._keys_line())
        paying = self.query_one("#paying", Horizontal)
        paying.display = self.issued is not None
        if self.issued is not None:
            self._draw_code(self.issued)
            self.query_one("#followed", Line).say("\n".join(self._followed(self.issued)))

    def _keys_line(self) -> str:
        if self._asking:
            return f"{ASKED[self._asking]}   enter take it   esc leave it"
        if self.busy:
            return "reading the chains …   esc back"
        return KEYS[self.step]

    def _lines(self) -> Iterator[str]:
        yield from self._step_lines()
        if self.busy and self.step is not Step.PAY:
            yield ""
            yield "reading the chains …"
        elif self.error is not None:
            yield ""
            yield from error_lines(self.error)

    def _step_lines(self) -> Iterator[str]:
        if self.step is Step.SELECT:
            yield from selected_lines(self._rows, self.end)
        elif self.step is Step.PRICE:
            yield from option_lines(self.request, self.preview, self._chains())
            if self.preview is not None:
                yield ""
                yield from price_lines(self.preview)
        elif self.step is Step.CONFIRM and self.preview is not None:
            yield from confirm_lines(self.request, self.preview)
        elif self.issued is not None:
            left = expires_words(self.issued.token, self._host.desk.clock.now()) if self._payable else ""
            yield from pay_lines(self.issued.token, self.issued.sold, left)

    def _followed(self, issued: Issued) -> Iterator[str]:
        if self._trouble is not None:
            yield f"✗ can't be read now: {self._trouble.message}"
        if self.story is not None:
            yield from follow_lines(self.story, self._steps)
        if self._payable:
            # Once it is paid, nobody can heed them any more.
            yield from issued_lines(issued, self.preview)

    @property
    def _payable(self) -> bool:
        return self.story is None or self.story.view.state in _PAYABLE

    def _draw_code(self, issued: Issued) -> None:
        """The code as long as it may be paid by it."""
        code = self.query_one("#code", Static)
        code.display = self._payable and bool(issued.token.price.amount)
        text = self._code_text(issued)
        if code.display and text != self._drawn:
            self._drawn = text
            code.update(qr(text))
            code.border_title = _CODES[self._code]

    def _code_text(self, issued: Issued) -> str:
        return issued.token.memo if _CODES[self._code] == "memo" else issued.token.payee

    # Live

    def look(self, shelf: Shelf) -> Found[Any]:
        """The quote as it stands, once there is one."""
        issued = self.issued
        if issued is None:
            return Found(None, None)
        story = token_story(shelf.desk, issued.token.memo)
        operation = story.view.operation
        return Found((story, progress(shelf.desk).get(operation.id, {}) if operation else {}), None)

    def take(self, answer: Found[Any] | Trouble, now: datetime) -> None:
        """Follow it; what was last read stays where the database can't be."""
        self._trouble = answer if isinstance(answer, Trouble) else None
        if not isinstance(answer, Trouble) and answer.value is not None:
            self.story, self._steps = answer.value
        self.show_now(now)

    def show_now(self, now: datetime) -> None:
        """The time that is left counts down."""
        del now
        if self.step is Step.PAY:
            self.draw()

    # Keys

    def action_next(self) -> None:
        """The next step, where this one is done."""
        if self.busy:
            return
        if self.step is Step.SELECT:
            if self.request.sequences:
                self._go(Step.PRICE)
                self._read()
            else:
                self.notify("Nothing of this channel can be sold.", severity="warning")
        elif self.step is Step.PRICE and self.preview is not None and self.error is None:
            self._go(Step.CONFIRM)

    def action_back(self) -> None:
        """One step back; what is being read is let go.  A quote that is made stays."""
        if self._asking:
            self._close_field()
            return
        if self._work is not None:
            self._work.cancel()
            self._work = None
        if self.step in {Step.SELECT, Step.PAY}:
            self.dismiss(None)
        else:
            self._go(Step(self.step - 1))

    def action_no(self) -> None:
        """No is a step back, where something was asked."""
        if self.step is Step.CONFIRM:
            self.action_back()

    def action_yes(self) -> None:
        """Make the quote; where there is one, copy what its code says."""
        if self.step is Step.CONFIRM and not self.busy:
            self._begin(self._make)
        elif self.step is Step.PAY and self.issued is not None:
            self.app.copy_to_clipboard(self._code_text(self.issued))
            self.notify(f"Copied the {_CODES[self._code]}, if your terminal allows it.")

    def action_other_channel(self) -> None:
        """Sell those of the next channel instead."""
        if self.step is Step.SELECT and len(self._ends) > 1:
            self._ends = [*self._ends[1:], self._ends[0]]
            self.request, self.preview, self.error = self._request(self.end), None, None
            self.draw()

    def action_again(self) -> None:
        """Read the chains again."""
        if self.step is Step.PRICE and not self.busy:
            self._read()

    def action_coin(self) -> None:
        """The next of the accepted coins."""
        if self.step is Step.PRICE and self.preview is not None:
            accepted = self.preview.accepted
            at = accepted.index(self.preview.quote.denom)
            self._change(pay_denom=accepted[(at + 1) % len(accepted)])

    def action_chain_or_code(self) -> None:
        """Paid on the next chain; in the last step the other code."""
        if self.step is Step.PAY:
            self._code = (self._code + 1) % len(_CODES)
            self.draw()
        elif self.step is Step.PRICE and len(chains := self._chains()) > 1:
            at = chains.index(self.request.pay_on or self.end.chain) if self.end.chain in chains else -1
            self._change(pay_on=chains[(at + 1) % len(chains)], pay_denom=None)

    def action_turn(self, name: str) -> None:
        """Between yes and no."""
        if self.step is Step.PRICE:
            self._change(**{name: not getattr(self.request, name)})

    def action_ask(self, name: str) -> None:
        """Let a text be typed."""
        if self.step is not Step.PRICE:
            return
        self._asking = name
        field = self.query_one("#field", Input)
        known = getattr(self.request, name)
        field.value = "" if known is None else f"{known}s" if name == "expires" else str(known)
        field.display = True
        field.focus()
        self.draw()

    def action_scroll(self, by: int) -> None:
        """Scroll by lines."""
        self.query_one(VerticalScroll).scroll_relative(y=by, animate=False)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Take what was typed; one that can't be read is said, and stays to be mended."""
        name, text = self._asking, event.value.strip()
        if not name:
            return
        try:
            value: object = (parse_duration(text) if name == "expires" else text) if text else None
        except ValueError as error:
            self.notify(str(error), severity="error")
            return
        self._close_field()
        self._change(**{name: value})

    def _close_field(self) -> None:
        self._asking = ""
        field = self.query_one("#field", Input)
        field.display = False
        self.set_focus(None)
        self.draw()

    # Work

    def _chains(self) -> Sequence[str]:
        """Where it may be paid."""
        shop = self._host.desk.shop
        return () if shop is None else [chain for chain in shop.payees if chain in shop.prices]

    def _go(self, step: Step) -> None:
        self.step, self.error = step, None
        self.query_one(VerticalScroll).scroll_home(animate=False)
        self.draw()

    def _change(self, **changed: Any) -> None:
        self.request = replace(self.request, **changed)
        self._read()

    def _read(self) -> None:
        self.preview = None
        self._begin(self._preview)

    def _begin(self, work: Callable[[], Any]) -> None:
        """Ask the chains beside the screen; only the newest question counts."""
        self.error = None
        self._work = self.run_worker(partial(self._told, work), exclusive=True, group="quote")
        self.draw()

    async def _told(self, work: Callable[[], Any]) -> None:
        try:
            await work()
        except RelayclearError as error:
            self.error = error
        self._work = None
        self.draw()

    async def _preview(self) -> None:
        self.preview = await preview_quote(self._host.desk, self.request)

    async def _make(self) -> None:
        self.issued = await make_quote(self._host.desk, self.request)
        self._made({PacketKey(*self.end, sequence) for sequence in self.request.sequences or ()})
        self._go(Step.PAY)
        self._host.nudge()
