"""The four steps from marked packets to a quote, and what stands around each."""

from __future__ import annotations

from enum import IntEnum


class Step(IntEnum):
    """The four steps."""

    SELECT = 1
    PRICE = 2
    CONFIRM = 3
    PAY = 4


TITLES = {
    Step.SELECT: "which packets",
    Step.PRICE: "the price",
    Step.CONFIRM: "is this right?",
    Step.PAY: "how to pay, and what becomes of it",
}
KEYS = {
    Step.SELECT: "enter price   o other channel   esc leave",
    Step.PRICE: "enter go on   d c w t x e a f change   r read again   esc back",
    Step.CONFIRM: "y make the quote   n esc back",
    Step.PAY: "c other code   y copy   j/k scroll   esc leave (it goes on)",
}
ASKED = {
    "payer": "The account that pays, to look whether it can; empty for none",
    "refund_to": "Where coins go back; empty: to whoever pays",
    "expires": "How long it can be paid, like 10m; empty: as configured",
    "waive": "Why it is cleared for nothing; empty: it is sold",
}
