"""What the words of the field mean, in plain words: one source for the screen and for help."""

from __future__ import annotations

from collections.abc import Mapping

GLOSSARY: Mapping[str, str] = {
    "packet": "A message from one chain to another, mostly a transfer of coins. It is sent on the first chain and has "
    "to be carried to the second by a relayer.",
    "channel": "The line between two chains over which packets go. Each end has a name of its own; a packet is named "
    "by the chain and channel that it was sent from, and its number there.",
    "sequence": "A packet's number on its channel: 1, 2, 3 and so on.",
    "relayer": "A program (here Hermes) that carries packets from chain to chain and pays the gas for it.",
    "stuck": "Sent a while ago, and nobody has delivered it. The sender's coins hang until somebody clears it or its "
    "timeout passes.",
    "timed_out": "Past its timeout: it can't be delivered any more. Clearing it gives the coins back to the sender.",
    "timeout_on_close": "Its channel was closed at the receiving end. Clearing it gives the coins back to the sender.",
    "ack_missing": "Delivered, but the acknowledgement never came back to the sending chain. The receiver has the "
    "coins; clearing tidies up.",
    "async_ack": "Delivered, and the receiving application will give its word later by itself. There is nothing to "
    "relay yet.",
    "in_flight": "Sent a moment ago: relayers may be about to carry it.",
    "pending": "Sent and not delivered; its details have not been read yet, so nobody knows its timeout.",
    "blocked": "It can't be relayed now, whoever tries: the reason stands beside it.",
    "clear": "Have Hermes relay exactly the chosen packets, and read from both chains what became of each.",
    "client": "What one chain knows of another's blocks. Unless a relayer updates it, it expires, and then nothing "
    "goes over its channels until governance revives it.",
    "fate": "What became of a packet by what both chains say: delivered, given back to the sender, still pending.",
    "operation": "The work of clearing some packets: each attempt with its Hermes command, its output, and what the "
    "chains said before and after.",
    "clearing token": "A quote: exact packets, a price, where to pay, how long it holds. Its memo ties a payment to "
    "it.",
    "memo": "The text that goes with a payment and says which quote it pays.",
    "payment": "Coins that arrived at our account, by the chain's own record.",
    "orphan": "Coins that arrived and belong to no quote.",
    "flaw": "What is not as quoted: too little, too much, too late, a wrong coin, paid twice. Several may "
    "hold at once.",
    "refund": "What was not earned and goes back: owed, approved, signed, sent, confirmed.",
    "breaker": "What keeps a failing node, Hermes path or wallet from being called again and again. Open: nobody calls "
    "it until the time shown. Half-open: one call tries whether it is well.",
    "dead letter": "A task that was tried and given up: it waits for a person.",
    "gas": "What transactions cost on a chain, paid by the account whose key signs.",
}
"""Each word with its explanation, in the order in which a newcomer meets them."""
