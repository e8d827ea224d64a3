"""The config of one run: the operator's own, narrowed to the two chains, with another key and a fee cap.

Hermes ignores ``--key-name`` of ``clear packets``, so another key needs another config file.
"""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from decimal import ROUND_FLOOR, Context, Decimal
from fractions import Fraction
from math import ceil
from pathlib import Path
from typing import Any

import tomli_w

from relayclear.errors import RefusedError
from relayclear.hermes.config import HermesChain, HermesConfig, worst_price
from relayclear.ibc.coin import Coin
from relayclear.ibc.relayer import FeeCap

MAX_MEMO = 50  # bytes; Hermes refuses a longer one
_MEMO_SINCE = (1, 8, 1)


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a run changes: the chains it may touch, keys by chain, caps on fees, the memo of its transactions.

    `elsewhere`: Hermes runs in a container or as another user, so its key folder is its own affair.
    """

    chains: tuple[str, ...]
    keys: Mapping[str, str]
    fee_caps: Sequence[FeeCap] = ()
    memo: str | None = None
    elsewhere: bool = False


def derived(config: HermesConfig, wishes: Wishes, version: tuple[int, int, int]) -> str:
    """The TOML text for one run; everything that isn't changed is kept, unknown keys too.

    Chains that the run doesn't need are left out: a channel whose other end lies about its chain
    then fails in Hermes instead of spending the daemon's key on a third chain.  Servers are off,
    because the daemon holds their ports, and the log level is the one our parser knows.
    """
    if wishes.memo is not None and len(wishes.memo.encode()) > MAX_MEMO:
        raise RefusedError(
            f"the memo {wishes.memo!r} is longer than Hermes' {MAX_MEMO} bytes",
            hint=f"a memo of at most {MAX_MEMO} bytes",
        )
    # A key for a chain that isn't there is a slip, and Hermes would sign with the daemon's without a word.
    for chain_id in {*wishes.chains, *wishes.keys}:
        config.chain(chain_id)
    caps = {cap.chain: cap for cap in wishes.fee_caps}
    document = dict(config.tables)
    # At the operator's `error` level much of what went wrong is not logged; at `trace` it drowns.
    document["global"] = {**document.get("global", {}), "log_level": "info"}
    for server in ("rest", "telemetry", "tracing_server"):
        if server in document:
            document[server] = {**document[server], "enabled": False}
    document["chains"] = [
        _chain(table, config.chain(table["id"]), wishes, caps.get(table["id"]), version)
        for table in document["chains"]
        if table["id"] in wishes.chains
    ]
    return tomli_w.dumps(document)


def capped(chain: HermesChain, cap: FeeCap | None) -> HermesChain:
    """The chain with gas settings under which no transaction costs more than the cap.

    Hermes pays ``ceil(gas * price)`` with ``gas <= max_gas``, where `price` is the static one or, with dynamic prices,
    at most ``dynamic.max``; it computes with the binary value of the written number, and so does this.  The cap is an
    integer, so ``gas * price <= cap`` is the same as ``ceil(gas * price) <= cap``.  First the dynamic maximum falls,
    though never below the static price (nodes wouldn't take less); then `max_gas` falls to what the cap still buys.
    `default_gas` must not exceed `max_gas`, or Hermes gives up before it sends.
    Raises RefusedError for a cap in another coin, or one that buys no gas at all.
    """
    if cap is None:
        return chain
    if cap.fee.denom != chain.gas_price.denom:
        paid = chain.gas_price.denom
        raise RefusedError(
            f"the fee cap for {chain.id} is in {cap.fee.denom}, but its fees are paid in {paid}",
            hint=f"--max-fee 20000{paid}",
        )
    dynamic = chain.dynamic_gas_price
    if dynamic.enabled and chain.max_gas:
        affordable = Context(prec=15, rounding=ROUND_FLOOR).divide(Decimal(cap.fee.amount), Decimal(chain.max_gas))
        dynamic = replace(dynamic, max=min(dynamic.max, max(affordable, chain.gas_price.price)))
    price = _top_price(replace(chain, dynamic_gas_price=dynamic))
    max_gas = min(chain.max_gas, cap.fee.amount // price) if price else chain.max_gas
    if max_gas < 1:
        hint = f"raise it: {worst_fee(chain)} is the most that a transaction there can cost now"
        raise RefusedError(f"a fee cap of {cap.fee} on {chain.id} buys no gas", hint=hint)
    default_gas = None if chain.default_gas is None else min(chain.default_gas, max_gas)
    return replace(chain, max_gas=max_gas, default_gas=default_gas, dynamic_gas_price=dynamic)


def worst_fee(chain: HermesChain, cap: FeeCap | None = None) -> Coin:
    """The most that one transaction of Hermes can cost on the chain, under the cap if one is given."""
    within = capped(chain, cap)
    return Coin(chain.gas_price.denom, ceil(within.max_gas * _top_price(within)))


@contextmanager
def written(text: str, work_dir: Path | None = None) -> Iterator[Path]:
    """Keep the text in a file of mode 0600 while the block runs, in a folder of mode 0700 or in `work_dir`.

    A `work_dir` with the set-group-id bit is how an operator shares it with Hermes under another
    user: there the file's group, which is the folder's, may read it.
    """
    if work_dir is None:
        with tempfile.TemporaryDirectory(prefix="relayclear-") as folder:
            yield _write(Path(folder), text)
        return
    path = _write(work_dir, text)
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


def _write(folder: Path, text: str) -> Path:
    try:
        descriptor, name = tempfile.mkstemp(suffix=".toml", prefix="hermes-", dir=folder)
    except OSError as error:
        raise RefusedError(
            f"no config for Hermes can be written in {folder}: {error.strerror}",
            hint="free space on its disk, or set [hermes] work_dir to a folder of yours",
        ) from error
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        if folder.stat().st_mode & stat.S_ISGID:
            os.fchmod(descriptor, 0o640)
        file.write(text)
    return Path(name)


def _chain(
    table: Mapping[str, Any], chain: HermesChain, wishes: Wishes, cap: FeeCap | None, version: tuple[int, int, int]
) -> dict[str, Any]:
    changed = {**table, "key_name": wishes.keys.get(chain.id, chain.key_name)}
    # Absolute, because Hermes takes a relative folder from where it is started; in a container ours means nothing.
    if not wishes.elsewhere:
        changed["key_store_folder"] = str(chain.key_store_folder)
    if wishes.memo is not None and version >= _MEMO_SINCE:
        changed["memo_overwrite"] = wishes.memo
    if cap is not None:
        within = capped(chain, cap)
        changed["max_gas"] = within.max_gas
        if within.default_gas is not None:
            changed["default_gas"] = within.default_gas
        if chain.dynamic_gas_price.enabled:
            changed["dynamic_gas_price"] = {**table["dynamic_gas_price"], "max": within.dynamic_gas_price.max}
    return changed


def _top_price(chain: HermesChain) -> Fraction:
    return Fraction(float(worst_price(chain)))
