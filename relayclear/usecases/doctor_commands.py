"""Commands that doctor tells the operator to run, ready to paste; words in capitals are to be filled in."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from relayclear.ibc.coin import Coin
from relayclear.ibc.relayer import GasTerms

SUGGESTED_KEY = "relayclear"
UNKNOWN_ADDRESS = "ADDRESS"


@dataclass(frozen=True, slots=True)
class ChainProgram:
    """How a chain's own command line is called.  `node` is an RPC address without credentials."""

    chain: str
    binary: str
    node: str


def fund(program: ChainProgram, terms: GasTerms, to: str, amount: Coin) -> str:
    """Send coins to an account, which also creates it."""
    return _tx(program, terms, ["bank", "send", "YOUR_KEY", to, str(amount)])


def grant(program: ChainProgram, terms: GasTerms, to: str, limit: Coin) -> str:
    """Let the fee granter pay for an account, up to a limit; the chain creates the account with it."""
    words = ["feegrant", "grant", terms.fee_granter or "GRANTER_KEY", to, "--spend-limit", str(limit)]
    return _tx(program, terms, words)


def equip(program: ChainProgram, terms: GasTerms, to: str, amount: Coin) -> str:
    """Give an account its gas in the way that the Hermes config pays: by grant, or by coins."""
    return grant(program, terms, to, amount) if terms.fee_granter else fund(program, terms, to, amount)


def name_key(chain: str, key: str, config: str | None) -> str:
    """The line that makes a key the clearing key, as a comment for the shell."""
    return f'# then in {config or "config.toml (relayclear config path)"}: [chains."{chain}"] clearing_key = "{key}"'


def _tx(program: ChainProgram, terms: GasTerms, words: Sequence[str]) -> str:
    flags = ["--chain-id", program.chain, "--node", _with_port(program.node)]
    flags += ["--gas", "auto", "--gas-adjustment", "1.5", "--gas-prices", f"{terms.price:f}{terms.denom}"]
    return shlex.join([program.binary, "tx", *words, *flags])


def _with_port(url: str) -> str:
    # Clients of CometBFT before 0.38 take an https address without a port for port 80.
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or parts.port is not None:
        return url
    port = 443 if parts.scheme == "https" else 80
    return parts._replace(netloc=f"{parts.netloc}:{port}").geturl()
