"""The ways in which a node, a chain or the relayer can be made to fail, as data that a control port changes."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class NodeFaults:
    """How one node fails just now; the defaults are a healthy node.

    The first block is what its transport does, the second what it knows.
    """

    refuse: bool = False
    """connections are closed without a word"""
    delay_seconds: float = 0.0
    hang: bool = False
    """requests are read and never answered"""
    http_status: int = 0
    """every answer has this status and a gateway's plain text; 502, 503, 429"""
    retry_after_seconds: int = 0
    """goes with `http_status` as its Retry-After header"""
    html: bool = False
    """HTTP 200 with a web page"""
    truncate: bool = False
    """half of the JSON"""
    lose_answers: int = 0
    """so many broadcasts are taken, and the connection is closed instead of an answer"""

    behind: int = 0
    """blocks the node lags; 0 after a higher answer is a height gone back"""
    catching_up: bool = False
    tx_index: bool = True
    index_lag: int = 0
    """newest blocks whose transactions the index doesn't have yet"""
    pruned_below: int = 0
    """lowest height whose state, block and results are kept"""
    chain_id: str = ""
    """what the node says it is, when not the truth"""
    hidden_txs: list[str] = field(default_factory=list)
    """hashes that this node never heard of, in any answer"""
    balances: dict[str, int] = field(default_factory=dict)
    """lies: what it says of `address/denom`"""
    max_batch: int = 10
    max_body_bytes: int = 1_000_000


@dataclass
class RelayerFaults:
    """How the stand-in Hermes fails just now; it asks the control port when it starts."""

    hang: bool = False
    """it writes its first log lines and waits for ever"""
    do_nothing: bool = False
    """it says success with an empty result"""
    die_after: str = ""
    """it kills itself after this step was broadcast: `recv`, `ack` or `timeout`"""
    garbage: bool = False
    """it prints what no program would"""
    version: str = ""
    """what it says it is, when not 1.10.5"""


@dataclass
class Rival:
    """Another relayer: while armed, whatever our transaction would relay in the next block is relayed before it."""

    armed: bool = False
    key: str = "rival"
    """the name of the key it signs with, on every chain"""
