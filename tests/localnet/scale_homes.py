"""Homes of the two scale chains: the usual ones, with the edited genesis."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial

from tests.localnet.genesis import Key, make_home
from tests.localnet.node import Node
from tests.localnet.scale_client import Json, Watched
from tests.localnet.scale_genesis import edit_alpha, edit_beta

# Tokens per unit of voting power, a constant of the SDK.
_POWER_REDUCTION = 1_000_000


def make_homes(alpha: Node, beta: Node) -> dict[str, dict[str, Key]]:
    """Make both nodes' homes, ready for their first start, and return the keys by chain and name."""
    with ThreadPoolExecutor(2) as pool:
        keys = list(pool.map(make_home, (alpha, beta)))
    # In the past, so that the first block needn't wait; whole seconds, because the clients repeat it.
    at = datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=10)
    # Each side's client needs the other's genesis time and validator, so neither genesis is finished alone.
    seen_alpha, seen_beta = _watched(alpha, at), _watched(beta, at)
    _edit(alpha, partial(edit_alpha, alpha_time=at, beta=seen_beta))
    _edit(beta, partial(edit_beta, beta_time=at, alpha=seen_alpha))
    return dict(zip((alpha.chain_id, beta.chain_id), keys, strict=True))


def _watched(node: Node, at: datetime) -> Watched:
    config = node.home / "config"
    key = json.loads((config / "priv_validator_key.json").read_text(encoding="utf-8"))
    genesis = json.loads((config / "genesis.json").read_text(encoding="utf-8"))
    [stake] = genesis["app_state"]["genutil"]["gen_txs"]
    power = int(stake["body"]["messages"][0]["value"]["amount"]) // _POWER_REDUCTION
    return Watched(node.chain_id, base64.b64decode(key["pub_key"]["value"]), power, at)


def _edit(node: Node, edit: Callable[[Json], None]) -> None:
    path = node.home / "config" / "genesis.json"
    genesis = json.loads(path.read_text(encoding="utf-8"))
    edit(genesis)
    path.write_text(json.dumps(genesis, separators=(",", ":")), encoding="utf-8")
