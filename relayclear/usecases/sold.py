"""What a payer is told beside a token's terms: kept with the token, and told again the same."""

from __future__ import annotations

import json

from relayclear.money.token import ClearingToken
from relayclear.store import packets
from relayclear.store.db import Reads, Transaction
from relayclear.usecases.quote_values import Sold


def keep_sold(tx: Transaction, token: ClearingToken, sold: Sold) -> None:
    """Keep what the payer is told beside the terms, in the commit of the token."""
    packets.remember(tx, token.quote.chain, _sold_name(token), json.dumps(sold.as_json()))


def sold_of(reads: Reads, token: ClearingToken) -> Sold:
    """What the payer was told beside the terms; nothing of an imported token."""
    found = packets.recall(reads, token.quote.chain, _sold_name(token))
    return Sold() if found is None else Sold.from_json(json.loads(found))


def _sold_name(token: ClearingToken) -> str:
    return f"sold {token.ref.order_id.hex()}"
