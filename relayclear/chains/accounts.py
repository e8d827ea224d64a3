"""Accounts, coins and denoms of a chain."""

from __future__ import annotations

from datetime import datetime

from relayclear.chains import wire_cosmos
from relayclear.chains.endpoints import Endpoints
from relayclear.chains.index import Index, Search
from relayclear.chains.wire import DeclinedError, decoded, sure
from relayclear.errors import HeightError, NodeError, NotFoundError, RelayclearError
from relayclear.ibc.coin import Coin, DenomPath
from relayclear.ibc.readings import Account, Balances, GasPrice

_VOUCHER = "ibc/"
# Anybody can send dust of any number of denoms.
_PAGE, _SMALL_PAGE = 1_000, 100
MOST_EMPTY = 10
MOST_DENOMS = 1_000_000
"""Of one address: more than any has, and as many as memory should hold."""


async def account(endpoints: Endpoints, address: str, height: int = 0) -> Account | None:
    """The account's number and sequence after a height, None when the chain has none.  Raises what both queries met."""
    # Both at once: the second costs less than finding out by a round trip which one the chain has.
    info, wrapped = await endpoints.queries(
        [wire_cosmos.ask_account_info(address, height), wire_cosmos.ask_account(address, height)]
    )
    gone = next((one for one in (info, wrapped) if isinstance(one, HeightError)), None)
    if gone is not None:
        raise gone
    first = decoded(wire_cosmos.read_account_info, info)
    if isinstance(first, RelayclearError):
        first = decoded(lambda reply: wire_cosmos.read_account(address, reply), wrapped)
    if isinstance(first, Account):
        return first
    if isinstance(info, NotFoundError) or isinstance(wrapped, NotFoundError):
        return None
    raise first


async def balance(endpoints: Endpoints, address: str, denom: str) -> Coin:
    """What the address holds of the denom."""
    reply = await endpoints.query(wire_cosmos.ask_balance(address, denom))
    return sure(decoded(lambda got: wire_cosmos.read_balance(denom, got), reply))


async def balances(endpoints: Endpoints, address: str, height: int = 0) -> Balances:
    """All that the address held after a height, 0 for the newest.  Raises HeightError where no endpoint has it."""
    found: dict[str, int] = {}
    key, size, empty = b"", _PAGE, 0
    while True:
        [answer] = await endpoints.queries([wire_cosmos.ask_balances(address, size, key, height)])
        if isinstance(answer, DeclinedError) and answer.wants_smaller_page and size > _SMALL_PAGE:
            size = _SMALL_PAGE
            continue
        # Later pages belong to the same moment, or a denom could be seen twice, or never.
        height = sure(answer).height
        coins, following = sure(decoded(wire_cosmos.read_balances, answer))
        found |= {coin.denom: coin.amount for coin in coins}
        if not following:
            return Balances(height, found)
        # Keys rise; a node that repeats one would keep us here for ever.
        if following <= key:
            raise NodeError(f"the pages of balances of {endpoints.chain} run in a circle")
        # Rising keys alone could be made up for ever.
        empty += not coins
        if empty > MOST_EMPTY or len(found) > MOST_DENOMS:
            raise NodeError(f"the pages of balances of {endpoints.chain} don't end")
        key = following


async def memo_limit(endpoints: Endpoints) -> int:
    """How many bytes the memo of a transaction may have."""
    reply = await endpoints.query(wire_cosmos.ask_auth_params())
    return sure(decoded(wire_cosmos.read_memo_limit, reply))


async def gas_price_floor(endpoints: Endpoints) -> tuple[GasPrice, ...]:
    """The least that an endpoint takes for gas, in any of these denoms; nothing where it takes all, or doesn't tell.

    Not the chain's word: another node of it may ask for more.
    """
    try:
        reply = await endpoints.query(wire_cosmos.ask_node_config())
    except DeclinedError:
        return ()
    return sure(decoded(wire_cosmos.read_gas_prices, reply))


async def allowance(endpoints: Endpoints, granter: str, grantee: str) -> bool:
    """Whether a fee allowance stands; chains say "not found" with various codes, or have no such module."""
    try:
        reply = await endpoints.query(wire_cosmos.ask_allowance(granter, grantee))
    except NotFoundError:
        return False
    except DeclinedError as declined:
        if any(words in declined.text.lower() for words in ("not found", "unknown query path")):
            return False
        raise
    return sure(decoded(wire_cosmos.read_allowance, reply))


async def last_signed_at(index: Index, address: str, sequence: int) -> datetime | None:
    """When the account used the sequence before the given one; None where no index tells.

    Transactions that failed count: they used a sequence too.
    """
    if sequence < 1:
        return None
    query = f"tx.acc_seq='{address}/{sequence - 1}'"
    [found] = await index.txs([Search(query, query)])
    if isinstance(found, RelayclearError) or not found:
        return None
    height = found[-1].height
    at = (await index.times([height]))[height]
    return at if isinstance(at, datetime) else None


async def denom_path(endpoints: Endpoints, denom: str) -> DenomPath | None:
    """The trace behind a voucher, checked against its hash; None when the chain doesn't know it.

    A denom that is no voucher is its own base.  Raises when no endpoint could be asked.
    """
    if not denom.startswith(_VOUCHER):
        return DenomPath((), denom)
    denom_hash = denom.removeprefix(_VOUCHER)
    answers = await endpoints.queries([wire_cosmos.ask_denom(denom_hash), wire_cosmos.ask_denom_trace(denom_hash)])
    reads = (wire_cosmos.read_denom, wire_cosmos.read_denom_trace)
    for read, answer in zip(reads, answers, strict=True):
        path = decoded(read, answer)
        # The hash is the proof: no node can make up a trace.
        if isinstance(path, DenomPath) and path.voucher == denom:
            return path
    for answer in answers:
        if isinstance(answer, RelayclearError) and answer.retryable and not isinstance(answer, DeclinedError):
            raise answer
    return None
