"""What the clears came to: how many succeeded, how long payers waited, what was earned against the gas it took.

Everything is added up here, over rows that the store gives one after the other; denoms never mix.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from math import ceil
from typing import NamedTuple

from relayclear.clearing.operation import (
    Operation,
    OperationState,
    PacketAfter,
    gone_before,
    is_done,
    newest_results,
    operation_state,
)
from relayclear.ibc.coin import Coin
from relayclear.ibc.fate import Doer, Fate
from relayclear.ibc.packet import ChannelEnd
from relayclear.ibc.readings import RelayTx
from relayclear.money.earned import Result
from relayclear.money.ledger import Account, Place
from relayclear.store import ledger, operations, payments, relay_costs, sales, tokens
from relayclear.store.db import Reads
from relayclear.store.sales import Sale, StoredVerdict
from relayclear.store.tokens import StoredToken
from relayclear.usecases.desk import Desk
from relayclear.usecases.proof import deciding_tx
from relayclear.usecases.token_order import with_standing

# Outcomes that say whether clearing works; a clear of packets already gone, or called off, says nothing of it.
TRIED = frozenset({OperationState.CLEARED, OperationState.PARTIAL, OperationState.FAILED, OperationState.UNKNOWN})
HOURS = 24
_OF_PROFIT = (
    Account.EARNED,
    Account.FEE_KEPT,
    Account.WRITTEN_OFF,
    Account.INCOME,
    Account.FEES_TAKEN,
    Account.OUR_LOSS,
    Account.EXPENSES,
)


class Denom(NamedTuple):
    """A coin on the chain that knows it by this name."""

    chain: str
    denom: str


@dataclass(slots=True)
class Channel:
    """What was done on one channel."""

    operations: int = 0
    packets: int = 0
    earned: Counter[Denom] = field(default_factory=Counter)
    gas: Counter[Denom] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Profit:
    """What a denom on a chain brought and cost, in base units; other denoms are never set against it.

    The first four are income, the others cost.  `clearing` is what the runs of Hermes paid, failed
    transactions too, `refund_fees` what the wallets' transactions did.  The books tell all but
    `clearing`, by when it was booked; `written_off` is what payers didn't take back.
    """

    earned: int = 0
    fee_kept: int = 0
    written_off: int = 0
    income: int = 0
    clearing: int = 0
    refund_fees: int = 0
    our_loss: int = 0
    expenses: int = 0

    @property
    def result(self) -> int:
        """What is left; below 0 for a loss."""
        gained = self.earned + self.fee_kept + self.written_off + self.income
        return gained - self.clearing - self.refund_fees - self.our_loss - self.expenses


@dataclass(frozen=True, slots=True)
class Waits:
    """How long payers waited, in seconds of block time from the payment that completed the price to the last packet."""

    count: int
    median: int | None
    ninth_of_ten: int | None
    longest: int | None


@dataclass(slots=True)
class Statistics:
    """The sums.  `hours` are how many operations were asked for in each hour of the day, in UTC.

    `gas` holds the fees of every transaction of our runs, failed ones too, and of any other of ours that
    moved a packet, each once.  `waits` are seconds.  `profits` are empty for a wallet alone: the books
    don't part costs by payer.
    """

    states: Counter[OperationState] = field(default_factory=Counter)
    fates: Counter[Fate] = field(default_factory=Counter)
    by_us: int = 0
    sold: int = 0
    waits: list[int] = field(default_factory=list)
    channels: defaultdict[ChannelEnd, Channel] = field(default_factory=lambda: defaultdict(Channel))
    hours: list[int] = field(default_factory=lambda: [0] * HOURS)
    profits: dict[Denom, Profit] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """How many operations there were."""
        return self.states.total()

    @property
    def tried(self) -> int:
        """How many of them could succeed and have ended."""
        return sum(self.states[state] for state in TRIED)

    @property
    def succeeded(self) -> int:
        """How many of those cleared every packet."""
        return self.states[OperationState.CLEARED]

    @property
    def earned(self) -> Counter[Denom]:
        """What all channels earned."""
        return _sum(channel.earned for channel in self.channels.values())

    @property
    def gas(self) -> Counter[Denom]:
        """What all channels' gas cost."""
        return _sum(channel.gas for channel in self.channels.values())

    def waited(self) -> Waits:
        """The waits, in order statistics: whole seconds that somebody really waited."""
        ordered = sorted(self.waits)
        if not ordered:
            return Waits(0, None, None, None)
        places = [ceil(len(ordered) * part / 10) - 1 for part in (5, 9)]
        return Waits(len(ordered), ordered[places[0]], ordered[places[1]], ordered[-1])


def _sum(counters: Iterable[Counter[Denom]]) -> Counter[Denom]:
    total: Counter[Denom] = Counter()
    for counter in counters:
        total.update(counter)
    return total


def gather(desk: Desk, since: datetime | None, wallet: str | None) -> Statistics:
    """Add up all operations asked for since a moment; with a wallet, only those sold for its packets or paid by it."""
    found, counted = Statistics(), set[tuple[str, str]]()
    packets: _Packets = {}
    with desk.journal.database.snapshot() as reads:
        for operation in operations.every(reads, since):
            order_id = sales.of_operation(reads, operation.id)
            stored = tokens.get(reads, order_id) if order_id is not None else None
            if wallet is not None and (stored is None or not _is_of(reads, stored, wallet)):
                continue
            _add_work(found, reads, operation, stored)
            _tell(packets, operation)
            paid = [(one.run.chain, one.tx_hash, one.fee) for one in relay_costs.of_operation(reads, operation.id)]
            paid += [(tx.chain, tx.hash, tx.fee) for tx in _our_txs(operation, desk.ours)]
            _add_gas(found.channels[operation.source], paid, counted)
        _add_packets(found, packets)
        if wallet is None:
            found.profits = _profits(reads, since, found.gas)
    return found


def alone(reads: Reads, operation: Operation, stored: StoredToken | None) -> Statistics:
    """What one operation adds, and the token that it works for if it does, without the gas.

    Its packets are counted whatever other operations tell of them.
    """
    found, packets = Statistics(), _Packets()
    _add_work(found, reads, operation, stored)
    _tell(packets, operation)
    _add_packets(found, packets)
    return found


def _add_work(found: Statistics, reads: Reads, operation: Operation, stored: StoredToken | None) -> None:
    _add(found, operation if stored is None else with_standing(reads, operation))
    if stored is not None:
        _add_sale(found, reads, operation, stored)


def _profits(reads: Reads, since: datetime | None, gas: Counter[Denom]) -> dict[Denom, Profit]:
    """What every book, and every coin that clearing was paid in, brought and cost."""
    places = {Denom(*place): _sums(reads, place, since) for place in ledger.books(reads)}
    found = {}
    for name in sorted({*places, *gas}):
        sums = places.get(name, {})
        profit = Profit(
            earned=sums.get(Account.EARNED, 0),
            fee_kept=sums.get(Account.FEE_KEPT, 0),
            written_off=sums.get(Account.WRITTEN_OFF, 0),
            income=sums.get(Account.INCOME, 0),
            clearing=gas[name],
            refund_fees=sums.get(Account.FEES_TAKEN, 0),
            our_loss=sums.get(Account.OUR_LOSS, 0),
            expenses=sums.get(Account.EXPENSES, 0),
        )
        if profit != Profit():
            found[name] = profit
    return found


def _sums(reads: Reads, place: Place, since: datetime | None) -> Mapping[Account, int]:
    if since is None:
        return ledger.book(reads, place).totals
    return {account: sum(one.amount for one in ledger.moved(reads, place, account, since)) for account in _OF_PROFIT}


def _is_of(reads: Reads, stored: StoredToken, wallet: str) -> bool:
    return stored.wallet == wallet or any(
        payment.arrival.sender == wallet for payment in payments.of_token(reads, stored.order_id)
    )


def _add(found: Statistics, operation: Operation) -> None:
    found.states[operation_state(operation)] += 1
    found.hours[operation.requested_at.hour] += 1
    found.channels[operation.source].operations += 1


_Packets = dict[tuple[ChannelEnd, int], PacketAfter]


def _tell(packets: _Packets, operation: Operation) -> None:
    """Know of each packet the newest word: operations come in the order of asking, and a packet may be in several."""
    gone = gone_before(operation)
    for sequence, packet in newest_results(operation).items():
        key = (operation.source, sequence)
        # One that was gone before was moved by no try of this operation.  It only tells how an earlier one ended
        # whose own look came too soon.
        if sequence not in gone or (key in packets and not is_done(packets[key])):
            packets[key] = packet


def _add_packets(found: Statistics, packets: _Packets) -> None:
    """Count each packet once, however many clears tried it."""
    for (end, _), packet in packets.items():
        found.channels[end].packets += 1
        found.fates[packet.fate] += 1
        found.by_us += packet.by is Doer.US and packet.fate is not Fate.STILL_PENDING


def _add_gas(
    channel: Channel, paid: Iterable[tuple[str, str, tuple[Coin, ...]]], counted: set[tuple[str, str]]
) -> None:
    """A transaction that moved packets of several channels counts once, for the first."""
    for chain, tx_hash, fee in paid:
        if (chain, tx_hash) not in counted:
            counted.add((chain, tx_hash))
            channel.gas.update({Denom(chain, coin.denom): coin.amount for coin in fee})


def _our_txs(operation: Operation, ours: Mapping[str, frozenset[str]]) -> list[RelayTx]:
    """Transactions signed by an address that counts as us, now or when the packet was judged."""
    mine = {(chain, address) for chain, addresses in ours.items() for address in addresses}
    txs: list[RelayTx] = []
    for attempt in operation.attempts:
        before = {packet.sequence: packet for packet in attempt.before}
        for packet in attempt.after:
            txs += packet.txs
            decided = deciding_tx(before[packet.sequence], packet)
            if packet.by is Doer.US and decided is not None:
                mine.add((decided.chain, decided.relayer))
    return [tx for tx in txs if (tx.chain, tx.relayer) in mine]


def _add_sale(found: Statistics, reads: Reads, operation: Operation, stored: StoredToken) -> None:
    found.sold += 1
    quote = stored.token.quote
    verdicts = sales.verdicts(reads, stored.order_id)
    earned = [verdict for verdict in verdicts.values() if verdict.verdict.result is Result.EARNED]
    shares = {term.key: term.share for term in quote.packets}
    amount = sum(shares[verdict.packet] for verdict in earned)
    if amount:
        found.channels[operation.source].earned[Denom(quote.chain, quote.denom)] += amount
    sale = sales.find(reads, stored.order_id)
    if len(earned) == len(shares) and sale is not None and (wait := _wait(sale, earned)) is not None:
        found.waits.append(wait)


def _wait(sale: Sale, earned: list[StoredVerdict]) -> int | None:
    done = [verdict.done_at for verdict in earned if verdict.done_at is not None]
    if sale.start is None or sale.start.allocation.credited_at is None or len(done) < len(earned):
        return None
    # Two chains' clocks differ by a little: nobody waited for less than nothing.
    return max(0, int((max(done) - sale.start.allocation.credited_at).total_seconds()))
