"""Quote a clearing: pre-flight, price, sign, keep, and only then give it away.

The same packets on the same terms get the same token while it is open; the same packets on other
terms are refused while a token on them may still be paid.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from relayclear.errors import RefusedError, UsageError
from relayclear.ibc.coin import Coin, DenomPath
from relayclear.ibc.units import Unit
from relayclear.money.document import write_document
from relayclear.money.fees import Quote
from relayclear.money.issuer import IssuerKey
from relayclear.money.memo import ORDER_ID_BYTES
from relayclear.money.token import ClearingToken, SaleRules, issue
from relayclear.store import history, identity, quotes, token_states, tokens
from relayclear.store.db import Reads, Transaction
from relayclear.store.history import Event
from relayclear.store.tokens import OpenToken, StoredToken
from relayclear.usecases.breakers_stop import refuse_stopped
from relayclear.usecases.denoms import denom_path
from relayclear.usecases.desk import Desk
from relayclear.usecases.payments_begin import begin_reading
from relayclear.usecases.quote_price import check_payer, price, refuse_empty_keys, unpriced
from relayclear.usecases.quote_reading import Offered, read_offer
from relayclear.usecases.quote_values import (
    Issued,
    Note,
    NoteCode,
    PayerCheck,
    Preview,
    QuoteRequest,
    Sold,
    notes_from_json,
    notes_json,
)
from relayclear.usecases.selling import accepted_denom, require_shop
from relayclear.usecases.shop import Shop
from relayclear.usecases.sold import keep_sold, sold_of

_MEMO_LENGTH = 34
SHORTEST, LONGEST = 60, 30 * 86_400
_DAY, _HOUR = timedelta(days=1), timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class _Terms:
    """What is to be signed, but for the order id."""

    quote: Quote
    payee: str
    ttl: int
    at: datetime


async def make_quote(desk: Desk, request: QuoteRequest) -> Issued:
    """Sell clearing the chosen packets; the token may be given away when this returns.

    Raises UsageError and ConfigError for what can't be meant or isn't set up, RefusedError for what
    can't or may not be sold, UnreachableError where that can't be told; nothing is kept then.
    """
    shop = require_shop(desk)
    answered = _answered(desk.journal.database, request)
    if answered is not None:
        return answered
    offered, found = await _priced(desk, shop, request)
    paying = found.chain
    at, sold, payer, *_ = await asyncio.gather(
        _block_time(desk, offered, paying),
        _sold(desk, shop, offered, found),
        _payer(desk, found, request.payer),
        refuse_empty_keys(desk, offered.plan, found),
        # A payment may come before anybody watches.
        begin_reading(desk, paying),
    )
    offered = replace(offered, notes=(*offered.notes, *unpriced(found)))
    ttl = request.expires if request.expires is not None else shop.rules.token_ttl
    return _kept(desk, shop, request, offered, _Terms(found, shop.payee(paying), ttl, at), sold, payer)


async def preview_quote(desk: Desk, request: QuoteRequest) -> Preview:
    """What `make_quote` would sell now, and for how much: it is refused for the same reasons, and nothing is kept.

    The notes say so where an open token would be given again.  Raises as `make_quote` does.
    """
    shop = require_shop(desk)
    offered, found = await _priced(desk, shop, request)
    at, payer, _ = await asyncio.gather(
        _block_time(desk, offered, found.chain),
        _payer(desk, found, request.payer),
        refuse_empty_keys(desk, offered.plan, found),
    )
    ttl = request.expires if request.expires is not None else shop.rules.token_ttl
    terms = _Terms(found, shop.payee(found.chain), ttl, at)
    notes = (*offered.notes, *unpriced(found))
    with desk.journal.database.snapshot() as reads:
        if _standing(reads, request, terms) is not None:
            notes = (*notes, Note(NoteCode.REPEATED))
        else:
            _refuse_over_limits(desk, shop, reads, request, offered, terms)
    accepted = tuple(schedule.denom for schedule in shop.price_list(found.chain).schedules)
    return Preview(found, terms.payee, ttl, accepted, notes, payer)


async def _priced(desk: Desk, shop: Shop, request: QuoteRequest) -> tuple[Offered, Quote]:
    """The packets as they are now, and what clearing them costs."""
    _refuse_bad_words(shop, desk, request)
    # Before anything is read that hangs; what else the packets need is looked at once they are known.
    refuse_stopped(desk, (request.chain, request.pay_on), None, request.pay_on or request.chain)
    offered = await read_offer(desk, request)
    paying = request.pay_on or offered.plan.path.source.chain
    _refuse_bad_addresses(shop, desk, request, paying)
    prices = shop.price_list(paying)
    denom = accepted_denom(prices, request.pay_denom)
    return offered, price(desk, shop, offered.plan, prices, denom, request.waive)


def _refuse_bad_words(shop: Shop, desk: Desk, request: QuoteRequest) -> None:
    """What is wrong with the request by itself, before any node is asked."""
    if request.expires is not None and not SHORTEST <= request.expires <= LONGEST:
        raise UsageError("--expires takes from 1 minute to 30 days", hint="--expires 10m")
    if request.from_exchange and request.refund_to is None:
        raise UsageError(
            "an exchange can't take coins back: --from-exchange needs --refund-to, an address of the payer's own",
            hint="--from-exchange --refund-to ADDRESS",
        )
    if request.waive is not None and not request.waive.strip():
        raise UsageError("--waive needs a reason", hint='--waive "our own mistake"')
    paying = request.pay_on or request.chain
    if paying is None:
        return
    desk.chain(paying)
    shop.payee(paying)
    _refuse_bad_addresses(shop, desk, request, paying)


def _refuse_bad_addresses(shop: Shop, desk: Desk, request: QuoteRequest, paying: str) -> None:
    prefix = shop.prefixes.get(paying, "")
    for option, address in (("--payer", request.payer), ("--refund-to", request.refund_to)):
        if address is not None and not shop.is_address(paying, address):
            raise UsageError(
                f"{option} {address[:90]!r} is no address of {paying}, where the payment is made",
                hint=f"{option} {prefix}1…",
            )
    ours = {*desk.ours.get(paying, ()), shop.payees.get(paying)}
    if request.refund_to in ours:
        raise UsageError(f"--refund-to {request.refund_to} is an account of our own", hint="name the payer's address")


async def _block_time(desk: Desk, offered: Offered, paying: str) -> datetime:
    heads = offered.plan.reading.heads if offered.plan.reading else {}
    return heads[paying].at if paying in heads else (await desk.chain(paying).head()).at


async def _sold(desk: Desk, shop: Shop, offered: Offered, found: Quote) -> Sold:
    """What the payer is told beside the terms.  Raises RefusedError where the memo doesn't fit the chain."""
    chain = desk.chain(found.chain)
    limit, unit, program, gas = await asyncio.gather(
        chain.memo_limit(),
        _unit(desk, shop, found.chain, found.denom),
        chain.program(),
        _gas_price(desk, found.chain),
    )
    if limit < _MEMO_LENGTH:
        raise RefusedError(
            f"{found.chain} takes memos of at most {limit} bytes, and a token's has {_MEMO_LENGTH}",
            hint="pay on another chain with --pay-on",
            code="memo_too_long",
        )
    return Sold(unit, program, gas, offered.hops)


async def _gas_price(desk: Desk, chain: str) -> str:
    """What a payer's own program should offer for gas: the least that the node takes, else what Hermes pays."""
    relayer = next(instance.relayer for instance in desk.instances if chain in instance.chains)
    terms = relayer.gas(chain)
    floors = {floor.denom: floor.price for floor in await desk.chain(chain).gas_price_floor()}
    denom = terms.denom if terms.denom in floors or not floors else next(iter(floors))
    return f"{floors.get(denom, terms.price).normalize():f}{denom}"


async def _unit(desk: Desk, shop: Shop, chain: str, denom: str) -> Unit | None:
    """How wallets show the denom: by the chain's metadata, else by the config's entry for it or its base."""
    told = await desk.chain(chain).unit(denom)
    if told is not None or denom in shop.units:
        return told or shop.units[denom]
    path = await denom_path(desk, chain, denom) or DenomPath((), denom)
    return shop.units.get(path.base)


async def _payer(desk: Desk, found: Quote, address: str | None) -> PayerCheck | None:
    return None if address is None else await check_payer(desk, found, address)


def _kept(
    desk: Desk,
    shop: Shop,
    request: QuoteRequest,
    offered: Offered,
    terms: _Terms,
    sold: Sold,
    payer: PayerCheck | None,
) -> Issued:
    """Sign the terms and keep them in one commit, unless a token stands in the way or serves as well."""
    key, made = _key(desk, shop)
    # Looking whether a packet is taken and taking it are one commit: two quotes at once can't both find it free.
    with desk.journal.database.atomic() as tx:
        # Another process may have answered since we looked.
        answered = _answered(tx, request)
        if answered is not None:
            return answered
        first = _standing(tx, request, terms)
        if first is not None:
            issued = Issued(
                first.token,
                first.document,
                sold_of(tx, first.token),
                (*offered.notes, Note(NoteCode.REPEATED)),
                payer,
            )
        else:
            _refuse_over_limits(desk, shop, tx, request, offered, terms)
            token = _token(tx, request, terms, shop, key)
            notes = (*offered.notes, Note(NoteCode.FIRST_KEY, (), str(key.kid))) if made else offered.notes
            issued = Issued(token, write_document(token, key.signing_key), sold, notes, payer)
            _add(desk, tx, request, offered, issued)
            # Before the commit: a token that is in the database is in the file, whatever happens in between.
            quotes.append(shop.quotes_file, issued.document)
        request.once.keep(tx, _answer(issued), desk.clock.now())
    return issued


def _key(desk: Desk, shop: Shop) -> tuple[IssuerKey, bool]:
    """The key to sign with, and whether it was made now: the first quote makes the first one."""
    found = shop.keys.current()
    if found is not None:
        return found, False
    above = quotes.highest_kid(desk.journal.database)
    if above or shop.keys.listed():
        raise RefusedError(
            "no signing key is in force: the last one was revoked, or its file is gone",
            hint="relayclear keys list, then relayclear keys create",
            code="no_key",
        )
    try:
        return shop.keys.create(desk.clock.now()), True
    except RefusedError:
        found = shop.keys.current()  # another process made it at the same moment
        if found is None:
            raise
        return found, False


def _standing(reads: Reads, request: QuoteRequest, terms: _Terms) -> StoredToken | None:
    """The open token that was made for the same packets on the same terms.

    Raises RefusedError naming a token that holds one of the packets on other terms.
    """
    wanted = [term.key for term in terms.quote.packets]
    for key in wanted:
        for held in tokens.open_of_packet(reads, key, terms.at):
            state = token_states.state(reads, held.order_id)
            found = tokens.get(reads, held.order_id)
            if found is None or not (held.sold or _holds(state)):
                continue
            if not held.sold and terms.at <= held.expires_at and _same_terms(found.token, request, terms):
                return found
            raise _reserved(found, held, str(key), terms.at)
    return None


def _holds(state: str | None) -> bool:
    """Whether a token may still be paid in this state, or is: nobody else may be sold its packets."""
    # Seldom asked: of packets that were sold before.
    from relayclear.money.state import TokenState  # noqa: PLC0415

    return state in {TokenState.OPEN, TokenState.PARTLY_PAID, TokenState.PAID, TokenState.CLEARING}


def _same_terms(token: ClearingToken, request: QuoteRequest, terms: _Terms) -> bool:
    ttl = int((token.expires_at - token.issued_at).total_seconds())
    mine = ({term.key for term in token.quote.packets}, token.place.chain, token.quote.denom, token.payee, ttl)
    asked = ({term.key for term in terms.quote.packets}, terms.quote.chain, terms.quote.denom, terms.payee, terms.ttl)
    refund = (token.refund_to, token.from_exchange, token.quote.waived)
    return (*mine, *refund) == (*asked, request.refund_to, request.from_exchange, request.waive)


def _reserved(found: StoredToken, held: OpenToken, packet: str, at: datetime) -> RefusedError:
    why = "is paid and being cleared" if held.sold else "may still be paid"
    if not held.sold and at > held.expires_at:
        why = "has expired, but its chain hasn't been read past that: a payment may still be found"
    return RefusedError(
        f"{packet} is in token {found.token.memo}, which {why}",
        hint=f"relayclear tokens show {found.token.memo}"
        + ("" if held.sold else f', or relayclear tokens revoke {found.token.memo} --reason "…"'),
        code="in_another_token",
    )


def _refuse_over_limits(
    desk: Desk, shop: Shop, reads: Reads, request: QuoteRequest, offered: Offered, terms: _Terms
) -> None:
    now, rules = desk.clock.now(), shop.rules
    if tokens.count_open(reads, offered.wallet, terms.at) >= rules.max_open_per_wallet:
        raise RefusedError(
            f"{offered.wallet or 'packets without one known sender'} has {rules.max_open_per_wallet} open quotes",
            hint="wait until one is paid or expires, revoke one, or raise [sell] max_open_per_wallet",
            code="too_many_open",
        )
    if tokens.count_since(reads, now - _HOUR) >= rules.max_per_hour:
        raise RefusedError(
            f"{rules.max_per_hour} quotes were made within the last hour",
            hint="wait, or raise [sell] max_per_hour",
            code="too_many_quotes",
        )
    if request.waive is not None:
        _refuse_over_budget(shop, quotes.waived_since(reads, now - _DAY), terms.quote)


def _refuse_over_budget(shop: Shop, waived: Sequence[Quote], new: Quote) -> None:
    full = new.full_price
    budget = sum(coin.amount for coin in shop.rules.waiver_budget if coin.denom == full.denom)
    spent = sum(quote.full_price.amount for quote in waived if (quote.chain, quote.denom) == (new.chain, new.denom))
    if spent + full.amount > budget:
        left = Coin(full.denom, max(0, budget - spent))
        raise RefusedError(
            f"clearing this for nothing gives up {full}, and {left} of the budget is left",
            hint="raise [sell] waiver_budget, or sell it",
            code="waiver_budget",
        )


def _token(tx: Transaction, request: QuoteRequest, terms: _Terms, shop: Shop, key: IssuerKey) -> ClearingToken:
    rules = SaleRules(identity.instance_id(tx), terms.ttl, shop.rules.late_grace, shop.rules.operation_deadline)
    return issue(
        terms.quote,
        terms.payee,
        key.memo_key,
        secrets.token_bytes(ORDER_ID_BYTES),
        terms.at,
        rules,
        refund_to=request.refund_to,
        from_exchange=request.from_exchange,
    )


def _add(desk: Desk, tx: Transaction, request: QuoteRequest, offered: Offered, issued: Issued) -> None:
    now, token = desk.clock.now(), issued.token
    order_id = tokens.add(tx, token, issued.document, offered.wallet, now)
    keep_sold(tx, token, issued.sold)
    if not token.price.amount:
        _start_work(tx, order_id, now)
    detail = {"token": token.memo, "price": str(token.price), "waived": token.quote.waived}
    history.add(tx, Event(now, request.who, "token_created", order_id, wallet=offered.wallet or None, detail=detail))


def _start_work(tx: Transaction, order_id: str, now: datetime) -> None:
    """What costs nothing is paid from the start: no payment will ever wake its work."""
    # Few quotes are waived: the others needn't load what makes tasks.
    from relayclear.store import tasks  # noqa: PLC0415
    from relayclear.usecases.paid import paid_task  # noqa: PLC0415

    tasks.add(tx, paid_task(order_id), now)


def _answered(reads: Reads, request: QuoteRequest) -> Issued | None:
    """What the idempotency key was answered before, the same for ever."""
    found = request.once.answer(reads)
    if found is None:
        return None
    stored = tokens.get(reads, found["order_id"])
    if stored is None:
        raise RefusedError(
            f"the token of idempotency key {request.idempotency_key!r} is gone from the database",
            hint="another --idempotency-key",
        )
    payer = None if found["payer"] is None else PayerCheck.from_json(found["payer"])
    return Issued(stored.token, stored.document, sold_of(reads, stored.token), notes_from_json(found["notes"]), payer)


def _answer(issued: Issued) -> dict[str, object]:
    payer = None if issued.payer is None else issued.payer.as_json()
    return {"order_id": issued.token.ref.order_id.hex(), "notes": notes_json(issued.notes), "payer": payer}
