"""The runbook's second half: what to do about each state of the work, of what is sold, and of what goes back.

A line for every member of the enums; what each one means stands beside its word and is not said twice.
"""

from __future__ import annotations

from relayclear.clearing.breaker import BreakerState
from relayclear.clearing.operation import OperationState
from relayclear.clearing.request import RequestState
from relayclear.money.earned import Reason, Result
from relayclear.money.refund_state import RefundState
from relayclear.money.settlement import Flaw
from relayclear.money.state import TokenState

SALES = """\
What the screens and lists say of the work, and what to do. None of it is lost
by waiting: money moves only by a yes of yours, or within the caps you set.
"""

OPERATIONS_TITLE = "How the work stands (operations list):"
REQUESTS_TITLE = "What you asked for (the dashboard's requests):"
BREAKERS_TITLE = "What isn't called for a while (breakers list):"
TOKENS_TITLE = "Where a clearing token stands (tokens list):"
FLAWS_TITLE = "What is wrong with its payments (the flaws); several at once:"
RESULTS_TITLE = "Whose a packet's share is (the verdict, in tokens show):"
VERDICTS_TITLE = "And why:"
REFUNDS_TITLE = "Where a refund stands (refunds list):"

_OWED = "Nothing to decide by itself; what is owed back stands in refunds list."
_GOES = "Wait; where it lasts, relayclear refunds resolve --chain CHAIN says what would release it."

TODO_OPERATION = {
    OperationState.QUEUED: "Wait: relayclear watch begins it; where none runs, start it.",
    OperationState.PREFLIGHT: "Wait; where it lasts, a chain can't be read: relayclear doctor names it.",
    OperationState.WAITING: "relayclear operations show ID says until when and why. Once that is mended, relayclear "
    "operations retry ID doesn't wait for it.",
    OperationState.RUNNING: "Wait: [hermes] time_limit ends a run that hangs. relayclear operations cancel ID calls "
    "it off.",
    OperationState.VERIFYING: "Wait; where it lasts, a chain can't be read: relayclear doctor names it.",
    OperationState.CLEARED: "Done; relayclear operations proof ID is for whoever asks.",
    OperationState.PARTIAL: "Look at the fate of each packet that is left: relayclear operations show ID. Clear those "
    "again.",
    OperationState.FAILED: "relayclear operations show ID --output says why; see still pending.",
    OperationState.NOTHING_TO_DO: "Done, by somebody who was faster.",
    OperationState.UNKNOWN: "Don't send anything after it. relayclear operations show ID looks again, at both chains.",
    OperationState.CANCELLED: "Done. What a token's payer didn't get is owed back, as refunds list shows.",
}
"""What to do about an operation in each state."""

GIVEN_UP = (
    "Mend what it says, then relayclear operations retry ID: it gets all its tries anew. relayclear health names "
    "everything that was given up."
)
"""What to do about work that waits for a person, whatever kind of work it is."""

TODO_REQUEST = {
    RequestState.REQUESTED: "Wait. It says why where it isn't begun, and ends by itself after ten minutes.",
    RequestState.RUNNING: "Wait; the operation that it names shows each step.",
    RequestState.DONE: "Done.",
    RequestState.REFUSED: "Read what it says; ask again once that is mended.",
    RequestState.FAILED: "Read what it says, and do what it says to try.",
    RequestState.UNKNOWN: "Don't ask for the same again before the packets, or the refund, were looked at. Where it "
    "was given up, what it says to try looks again.",
}
"""What to do about a request in each state."""

TODO_BREAKER = {
    BreakerState.CLOSED: "Nothing.",
    BreakerState.OPEN: "Mend what it says; it closes by itself at the next good call. relayclear breakers reset NAME "
    "doesn't wait for that.",
    BreakerState.HALF_OPEN: "Wait for that call.",
}
"""What to do about a breaker in each state."""

TODO_TOKEN = {
    TokenState.OPEN: "Wait for the payer: relayclear tokens show TOKEN --for-payer is what to send. No longer for "
    "sale: relayclear tokens revoke TOKEN.",
    TokenState.PARTLY_PAID: "Wait for the rest: relayclear tokens show TOKEN --for-payer says how much, and until "
    "when.",
    TokenState.PAID: "relayclear watch clears it; where none runs, relayclear clear --token TOKEN.",
    TokenState.CLEARING: "relayclear operations list --token TOKEN has each try. Past the deadline what is not "
    "cleared goes back.",
    TokenState.CLEARED: "Done.",
    TokenState.PARTLY_CLEARED: "relayclear refunds list --token TOKEN has what goes back.",
    TokenState.NOT_CLEARED: "relayclear refunds list --token TOKEN has what goes back; relayclear operations list "
    "--token TOKEN says why.",
    TokenState.EXPIRED: "Done. Whatever came goes back: relayclear refunds list --token TOKEN. Who still wants it "
    "needs a new quote.",
    TokenState.REVOKED: "Done. Whatever came goes back in full, as refunds list shows.",
}
"""What to do about a token in each state."""

TODO_FLAW = {
    Flaw.UNDERPAID: ("It counts, and the price isn't covered.", "Wait: the payer may add the rest until it expires."),
    Flaw.OVERPAID: ("It covered the price, and is more than was missing.", "The rest is owed back: refunds list."),
    Flaw.LATE: (
        "It came after the token had expired.",
        "Within [sell] late_grace it counts while the packets are stuck; else it is owed back: refunds list.",
    ),
    Flaw.WRONG_DENOM: ("It came in another coin than the price, and doesn't count.", "It is owed back: refunds list."),
    Flaw.SECOND_PAYMENT: ("The price was covered already when it came.", "It is owed back: refunds list."),
}
"""What each flaw is, and what to do."""

TODO_RESULT = {
    Result.EARNED: "Done.",
    Result.OWED_BACK: _OWED,
    Result.HELD: "Wait: it is judged again until the deadline, and then for good.",
    Result.APPROVE: "Look at the packet on both chains, then say it: relayclear refunds approve ID gives the share "
    "back, relayclear refunds waive ID keeps it.",
}
"""What to do about each verdict."""

TODO_VERDICT = {
    Reason.CLEARED_BY_US: "Done.",
    Reason.FINAL_OUTCOME_OPEN: "Done for this hop; see async_ack.",
    Reason.BEFORE_PAYMENT: "It wasn't stuck any more when it was paid for: the share goes back.",
    Reason.OTHERS_FIRST: "The share goes back. Often? relayclear stats says how often, and who.",
    Reason.EARNED_ELSEWHERE: "A packet is earned once: of this token the share goes back.",
    Reason.ERROR_ACK_OPEN: "Clear the acknowledgement before the deadline: the share is earned once it is back.",
    Reason.DOER_UNKNOWN: "Look for the transaction with an explorer, then decide: refunds list has it.",
    Reason.TIME_UNKNOWN: "Look for the transaction with an explorer, then decide: refunds list has it.",
    Reason.PENDING: "Wait: it is tried until the deadline.",
    Reason.ATTEMPT_OPEN: "Wait for its end.",
    Reason.CANCELLED: "You called it off: the share goes back.",
    Reason.NOT_CLEARED: "The share goes back. relayclear operations list --token TOKEN has each try, and why it did "
    "nothing.",
    Reason.AFTER_DEADLINE: "It came too late to be earned: the share goes back.",
    Reason.UNREADABLE: "Give the chain another endpoint in [chains] rpc; relayclear doctor names the nodes that fail. "
    "After [sell] unknown_max a person decides.",
    Reason.MAY_LAND: "Wait until 100 blocks have gone by on both chains; nothing goes back before.",
}
"""What to do about the reason of a verdict."""

TODO_REFUND = {
    RefundState.OWED: "relayclear refunds show ID says what it waits for; relayclear refunds approve ID is your yes.",
    RefundState.DUST: "Wait: it goes with the next that is owed there.",
    RefundState.BELOW_COST: "Wait, or relayclear refunds waive ID; after 90 days it can be written off.",
    RefundState.NEEDS_CLAIM: "Ask the payer for an address: relayclear refunds claim ID prints what they sign.",
    RefundState.APPROVED: "relayclear watch sends it; where none runs, relayclear refunds sweep does.",
    RefundState.SIGNED: _GOES,
    RefundState.BROADCAST: _GOES,
    RefundState.EXPORTED: "Once it is sent: relayclear refunds mark-paid ID --tx HASH; taken back: relayclear refunds "
    "export --cancel ID --reason TEXT.",
    RefundState.IN_TRANSIT: "Wait for its packet; it is a packet like any other, and may be stuck like one.",
    RefundState.CONFIRMED: "Done.",
    RefundState.PAID_BY_HAND: "Done.",
    RefundState.WAIVED: "Done.",
    RefundState.WRITTEN_OFF: "Done.",
    RefundState.RETURNED: "The next one of its payment stands beside it in refunds list: look at the channel first.",
    RefundState.WITHDRAWN: "The next one of its payment stands beside it in refunds list.",
}
"""What to do about a refund in each state."""
