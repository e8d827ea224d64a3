"""What a visitor of a served world does there through its control port: here, a user's wallet that pays."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

from relayclear.rehearsal.staging import ALPHA, BETA, COIN, address

_PATIENCE = 10.0


class RefusedByWorldError(RuntimeError):
    """The world, or the chain in it, refused, or nobody listens; the text says why."""


def pay(control: str, chain: str, who: str, to: str, amount: str, denom: str, memo: str) -> str:
    """Have a named account of the demo's world send coins with a memo; the transaction's hash.

    Raises RefusedByWorldError.
    """
    spec = {one.chain_id: one for one in (ALPHA, BETA)}[chain]
    message = {
        "@type": "/cosmos.bank.v1beta1.MsgSend",
        "from_address": address(spec, who),
        "to_address": to,
        "amount": [{"denom": denom, "amount": amount}],
    }
    return _acted(control, chain, who, message, memo)


def transfer(control: str, chain: str, channel: str, who: str, until_ns: int) -> str:
    """Have a named account send Bob a coin over a channel, to be delivered by then; the transaction's hash.

    `until_ns` are unix nanoseconds of the far chain.  Raises RefusedByWorldError.
    """
    here, there = (ALPHA, BETA) if chain == ALPHA.chain_id else (BETA, ALPHA)
    message = {
        "@type": "/ibc.applications.transfer.v1.MsgTransfer",
        "source_port": "transfer",
        "source_channel": channel,
        "token": {"denom": COIN, "amount": "1000000"},
        "sender": address(here, who),
        "receiver": address(there, "bob"),
        "timeout_timestamp": str(until_ns),
    }
    return _acted(control, chain, who, message, "")


def _acted(control: str, chain: str, who: str, message: dict[str, Any], memo: str) -> str:
    done = ask(control, "/act", {"chain": chain, "who": who, "messages": [message], "memo": memo})
    if done["code"]:
        raise RefusedByWorldError(f"{chain} refused: {done['log']}")
    return str(done["hash"])


def ask(control: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """Have the control port do one thing; its answer.  Raises RefusedByWorldError."""
    # A control port is an http address on loopback, from the world's own state file.
    request = urllib.request.Request(control + path, json.dumps(body).encode())  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=_PATIENCE) as response:  # noqa: S310
            found: dict[str, Any] = json.load(response)
    except urllib.error.HTTPError as error:
        raise RefusedByWorldError(error.read().decode(errors="replace")) from error
    except (OSError, ValueError) as error:
        raise RefusedByWorldError(f"the demo's control port does not answer: {error}") from error
    return found
