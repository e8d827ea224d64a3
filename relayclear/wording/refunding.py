"""Sentences about refunds: where each stands, why it waits, what comes next."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from relayclear.ibc.coin import Coin
from relayclear.ibc.spending import SequenceUse, code_text
from relayclear.ibc.text import clean, visible
from relayclear.money.policy import Gate, NeedsApproval
from relayclear.money.refund_state import RefundState, Said
from relayclear.money.refunds import Cause, Wait
from relayclear.store.refunds import Refund, SaidOf
from relayclear.store.stops import Stop
from relayclear.usecases.board_refunds import Waiting
from relayclear.usecases.refund_dues import WRITE_OFF_AFTER
from relayclear.usecases.refund_resolve import Knot
from relayclear.usecases.refund_send import Failed
from relayclear.usecases.refund_sweeps import Goes
from relayclear.usecases.refund_view import OwedSum, RefundStory, RefundView, Signed
from relayclear.wording import OWED_BEFORE_FEES, Word, coin, moment, short

REFUNDS = {
    RefundState.OWED: Word("owed", "●", "yellow", "nobody has decided about it"),
    RefundState.DUST: Word("dust", "·", "cyan", "all that is owed to this address is too little to send"),
    RefundState.BELOW_COST: Word("below cost", "·", "cyan", "sending it costs more than it is worth"),
    RefundState.NEEDS_CLAIM: Word("needs claim", "?", "yellow", "the payer has to name an address that can take it"),
    RefundState.APPROVED: Word("approved", "◷", "cyan", "the next sweep sends it"),
    RefundState.SIGNED: Word("signed", "…", "cyan", "its transaction is kept and about to be sent"),
    RefundState.BROADCAST: Word("broadcast", "→", "cyan", "its transaction was sent and is not seen in a block yet"),
    RefundState.EXPORTED: Word("exported", "⇥", "cyan", "somebody else signs and sends its transaction"),
    RefundState.IN_TRANSIT: Word("in transit", "→", "cyan", "it left the wallet over IBC; its packet is under way"),
    RefundState.CONFIRMED: Word("confirmed", "✓", "green", "the coins are back with the payer"),
    RefundState.PAID_BY_HAND: Word("paid by hand", "✓", "green", "another transaction has paid it"),
    RefundState.WAIVED: Word("waived", "-", "cyan", "it is kept, and nobody is owed it any more"),
    RefundState.WRITTEN_OFF: Word("written off", "-", "cyan", "it was too little to send for too long"),
    RefundState.RETURNED: Word("returned", "↩", "yellow", "its packet came back; the amount is owed again"),
    RefundState.WITHDRAWN: Word("withdrawn", "✗", "yellow", "taken back, or failed too often, before it was paid"),
}

GATES: dict[Gate | NeedsApproval, str] = {
    Gate.MODE: "it waits for your yes ([refunds] mode is approve)",
    Gate.STOPPED: "refunds of this chain don't go by themselves now: it waits for your yes",
    Gate.ONE_WORD: "only one endpoint says what makes it due, and a second on another host is missing or disagrees",
    Gate.FAILED_BEFORE: "an earlier refund of this payment failed for good, or came back",
    Gate.CLAIMED_FOR_ANOTHER: "another account than the payer's claims it",
    Gate.NO_CAP: "[refunds] max_each has no entry for its denom",
    Gate.ABOVE_EACH: "it is more than [refunds] max_each",
    Gate.ABOVE_DAY: "with what went today it is more than [refunds] max_per_day",
    Gate.ABOVE_PAYER: "with what this payer got today it is more than [refunds] max_per_payer",
    NeedsApproval.DENOM_WITHOUT_PRICE: "it was paid in a coin that has no price here",
    NeedsApproval.DOER_UNKNOWN: "a packet is done, and nobody can tell by whom",
    NeedsApproval.TIME_UNKNOWN: "a packet is done, and nobody can tell when",
    NeedsApproval.UNREADABLE: "a chain of its packets could not be read for too long",
    NeedsApproval.MAY_LAND: "a run was cut short, and what it sent may still land",
}

WAITS = {
    Wait.DUST: "all that is owed to this address is no more than the price list's dust: it goes when more comes",
    Wait.BELOW_COST: "it is less than its own network fee:"
    f" it can be waived, and written off after {WRITE_OFF_AFTER.days} days",
    Wait.NEEDS_CLAIM: "its sender can't take coins back: the payer has to name an address",
}

CAUSES = {
    Cause.WRONG_DENOM: "it was paid in another coin than the token asks for",
    Cause.SECOND_PAYMENT: "the token was paid already",
    Cause.LATE: "it came after the token had expired",
    Cause.UNDERPAID: "the token expired before its price was paid in full",
    Cause.EXCESS: "more was paid than the price",
    Cause.REVOKED: "the quote was taken back",
    Cause.OTHERS_FIRST: "another relayer cleared the packet",
    Cause.CLEARED_BEFORE: "the packet was cleared before the payment",
    Cause.CANCELLED: "the work was called off",
    Cause.NOT_CLEARED: "the packet was not cleared in time",
}

SAIDS = {
    Said.APPROVED: "approved",
    Said.WITHDRAWN: "taken back",
    Said.EXPORTED: "written out for somebody else to sign",
    Said.EXPORT_CANCELLED: "taken back from who was to sign it",
    Said.WAIVED: "waived",
    Said.WRITTEN_OFF: "written off",
    Said.PAID_BY_HAND: "marked as paid",
    Said.IN_TRANSIT: "found in a block: its packet is under way",
    Said.ARRIVED: "its packet has arrived",
    Said.RETURNED: "its packet came back",
    Said.CONFIRMED: "found in a block: paid",
    Said.FAILED: "failed",
}

PLANS = {
    Goes.ON_ITS_WAY: Word("on its way", "→", "cyan", "signed before; it is seen through first"),
    Goes.APPROVED: Word("goes", "✓", "green", "approved before"),
    Goes.WITHIN_CAPS: Word("goes by itself", "✓", "green", "within the caps, and two endpoints agree"),
    Goes.ALLOWED: Word("goes, allowed", "✓", "green", "within --max-amount"),
    Goes.LATER: Word("later", "◷", "cyan", "beyond --limit, the next sweep sends it"),
    Goes.WAITS: Word("waits", "●", "yellow", "somebody has to decide"),
}


def waits_line(view: RefundView) -> str:
    """Why a refund isn't on its way, or what its state means."""
    if view.wait is not None:
        return WAITS[view.wait]
    if view.gates:
        return gates_line(view.gates)
    if view.state is RefundState.OWED:
        return "it goes with the next sweep, if two endpoints agree"
    return REFUNDS[view.state].meaning


def gates_line(gates: Collection[Gate | NeedsApproval]) -> str:
    """Why a refund waits for a person; where every one does, the missing cap is no news."""
    told = [gate for gate in gates if gate is not Gate.NO_CAP or Gate.MODE not in gates]
    return "; ".join(GATES[gate] for gate in told)


def next_command(view: RefundView) -> str | None:
    """The command that brings a refund on, None where it goes on by itself or has ended."""
    name = view.id[:8]
    return {
        RefundState.OWED: f"relayclear refunds approve {name}" if view.gates else "relayclear refunds sweep",
        RefundState.BELOW_COST: f'relayclear refunds waive {name} --reason "…"',
        RefundState.NEEDS_CLAIM: f"relayclear refunds claim {name}",
        RefundState.APPROVED: "relayclear refunds sweep",
        RefundState.SIGNED: "relayclear refunds sweep",
        RefundState.BROADCAST: "relayclear refunds sweep",
        RefundState.EXPORTED: f"relayclear refunds mark-paid {name} --tx HASH",
    }.get(view.state)


def steps(story: RefundStory) -> list[tuple[str, str]]:
    """What a person can do about a refund: in words, empty where the command says all, and the command.

    Nothing where it goes on by itself or has ended.  One whose forerunner failed for good isn't sent into the same wall
    without a word.
    """
    view, command = story.view, next_command(story.view)
    if story.instead is not None:
        return [("what is owed now is another refund", f"relayclear refunds show {story.instead[:8]}")]
    if command is None:
        return []
    if Gate.FAILED_BEFORE not in view.gates or story.instead_of is None:
        return [("", command)]
    see = ("see what became of the one before", f"relayclear refunds show {story.instead_of[:8]}")
    return [see, *ways_on(view.id, view.chain)]


def ways_on(name: str, chain: str) -> list[tuple[str, str]]:
    """The two ways on for what is owed after a refund that failed for good."""
    return [
        ("once what kept it is mended, approve it again", f"relayclear refunds approve {name[:8]}"),
        ("or approve it and sign it elsewhere", f"relayclear refunds export {name[:8]} --chain {chain} -o DIR"),
    ]


def failed_line(name: str, failed: Failed) -> str:
    """A refund whose transactions paid nothing, as a sweep leaves it."""
    then = "given up" if failed.given_up else "it is signed again by the next sweep"
    return f"refund {name[:8]} failed, {then}: {clean(failed.why, 300)}"


def said_line(said: SaidOf) -> str:
    """One thing that was said of a refund."""
    why = f": {said.why}" if said.why else ""
    tx = f", {said.tx_hash}" if said.tx_hash else ""
    return f"{SAIDS[said.word]} ({said.who}{why}){tx}"


def signed_line(one: Signed) -> str:
    """Where one signing of a refund stands."""
    signing = one.signing
    if signing.assumed_dead is not None and one.used_by is None:
        return f"taken for dead: {signing.assumed_dead}"
    if one.used_by is None:
        return f"may land until block {signing.timeout_height}"
    if one.used_by != signing.tx_hash:
        return f"superseded: sequence {signing.sequence} was used by {one.used_by}"
    return "landed" if one.code == 0 else f"landed and failed, with {code_text(one.code)}"


def sum_line(one: OwedSum) -> str:
    """What is owed in a coin, as the books have it and as the refunds send it."""
    kept = one.gross.amount - one.net.amount
    less = f"; {coin(one.net)} is sent, {coin(Coin(one.gross.denom, kept))} kept as refund fees" if kept else ""
    return f"{one.chain}: {coin(one.gross)} {OWED_BEFORE_FEES}{less}"


def owed_line(waiting: Waiting) -> str:
    """What isn't back with its payer, in a line; empty where there is nothing."""
    if not waiting.undecided and not waiting.under_way:
        return ""
    asks = f" ({waiting.asks} to approve)" if waiting.asks else ""
    said = [f"{waiting.undecided} owed{asks}"] if waiting.undecided else []
    said += [f"{waiting.under_way} under way"] if waiting.under_way else []
    return ", ".join(said)


def refund_page(story: RefundStory) -> str:
    """Everything about one refund: why it is owed, what it waits for, what was said, signed and sent of it."""
    return "\n".join(_refund_lines(story))


def _refund_lines(story: RefundStory) -> Iterator[str]:
    view, word = story.view, REFUNDS[story.view.state]
    yield f"{word.glyph} {view.id}  {word.word}: {waits_line(view)}"
    yield ""
    yield f"sends      {visible(coin(view.net), 120)}"
    yield f"to         {visible(view.to or 'nobody yet', 120)}" + (f" over {view.over}" if view.over else "")
    for cause, amount in view.parts:
        yield f"because    {CAUSES[cause]}: {visible(coin(Coin(view.payment.denom, amount)), 120)}"
    if view.fee:
        yield f"fee kept   {visible(coin(Coin(view.payment.denom, view.fee)), 120)}"
    arrival = story.payment.arrival
    yield f"payment    {arrival.tx_hash}/{arrival.ordinal} on {view.chain}"
    sender = visible(arrival.sender or "not told", 120)
    yield f"paid       {visible(coin(arrival.coin), 120)} from {sender}"
    yield f"           at {moment(arrival.at)}"
    yield f"token      {view.token or 'none'}"
    yield f"since      {moment(view.since)}"
    yield from (line for one in story.signings for line in _signing_lines(one))
    if story.events:
        yield ""
        yield "what happened, in UTC:"
        yield from (f"  {moment(said.at)}  {clean(said_line(said), 500)}" for said in story.events)
    found = steps(story)
    if found:
        yield ""
        yield from (f"next: {f'{what}: ' if what else ''}{command}" for what, command in found)


def _signing_lines(one: Signed) -> Iterator[str]:
    signing = one.signing
    yield f"signed     {signing.tx_hash}, sequence {signing.sequence}: {clean(signed_line(one), 300)}"
    for sent in one.sent:
        code = "no answer" if sent.code is None else f"code {sent.code}"
        answer = f": {clean(sent.answer, 200)}" if sent.answer else ""
        yield f"  sent     {moment(sent.at)} at block {sent.at_height}, {code}{answer}"


def landed_line(refund: Refund) -> str:
    """A refund that has just been seen in a block."""
    word = REFUNDS[refund.state]
    return f"{word.glyph} {refund.id[:8]} {coin(refund.net)} to {short(refund.to)}: {word.word}"


def release_lines(knot: Knot) -> list[str]:
    """What keeps a wallet from signing, each with what would release it; empty where nothing does."""
    lines = []
    here = f"relayclear refunds resolve --chain {knot.chain}"
    if knot.unread:
        lines.append(
            f"{knot.unread}. Give the chain another endpoint in [chains] rpc; where none can show it any more:"
            f' {here} --assume-dead --reason "…"'
        )
    elif knot.on_chain < knot.expected:
        lines.append(f"the node is behind: it says {knot.on_chain} comes next, and {knot.expected - 1} is used; wait")
    lines += _live_lines(knot, here)
    lines += [": ".join(strange_line(knot.chain, use)) for use in knot.strange]
    if knot.stop is not None:
        lines.append(": ".join(stop_line(knot.chain, knot.stop)))
    return lines


def strange_line(chain: str, use: SequenceUse) -> tuple[str, str]:
    """A transaction of a wallet by another hand, and the command that says what it was."""
    what = f"{use.tx_hash} used sequence {use.sequence} of the wallet on {chain}, and isn't ours"
    return (
        f"{what}: nothing is refunded until somebody says what it was",
        f'relayclear books assign --tx {use.tx_hash} --as withdrawal --reason "…"',
    )


def stop_line(chain: str, stop: Stop) -> tuple[str, str]:
    """Why refunds of a chain wait for a person, and the command that lets them go by themselves again."""
    what = f"since {moment(stop.at)} no refund goes by itself on {chain}: {stop.why}"
    return (
        f"{what}; once you know why, and relayclear audit --chain {chain} agrees",
        f'relayclear refunds resolve --chain {chain} --go-on --reason "…"',
    )


def _live_lines(knot: Knot, here: str) -> list[str]:
    live = [one for one in knot.live if one.assumed_dead is None]
    if not live or knot.unread:
        return []
    newest = live[-1]
    if newest.timeout_height < knot.head:
        line = f"{newest.tx_hash} can't land any more since block {newest.timeout_height}:"
        return [f"{line} relayclear refunds sweep signs it anew on the same sequence"]
    line = f"{newest.tx_hash} may land until block {newest.timeout_height}, the newest is {knot.head}: wait for it"
    return [f"{line} (relayclear refunds sweep), or use its sequence up: {here} --void"]
