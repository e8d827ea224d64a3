"""Transactions: written here, signed and broadcast by the chain's own program."""

from __future__ import annotations

import json
import math
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.localnet.relayer import GAS_PRICE
from tests.localnet.rpc import attributes, fields, message, number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.localnet.node import Node

Message = dict[str, Any]


class TxError(RuntimeError):
    """The chain refused a transaction."""


def transfer_message(
    *, sender: str, receiver: str, port: str, channel: str, amount: int, denom: str, memo: str, timeout_seconds: float
) -> Message:
    """An ICS-20 transfer with a timeout by time, counted from now."""
    return {
        "@type": "/ibc.applications.transfer.v1.MsgTransfer",
        "source_port": port,
        "source_channel": channel,
        "token": {"denom": denom, "amount": str(amount)},
        "sender": sender,
        "receiver": receiver,
        "timeout_height": {"revision_number": "0", "revision_height": "0"},
        "timeout_timestamp": str(time.time_ns() + int(timeout_seconds * 1e9)),
        "memo": memo,
    }


def send_message(*, sender: str, to: str, amount: int, denom: str) -> Message:
    """A plain payment."""
    coin = {"denom": denom, "amount": str(amount)}
    return {"@type": "/cosmos.bank.v1beta1.MsgSend", "from_address": sender, "to_address": to, "amount": [coin]}


def submit(
    node: Node, user: str, sender: str, messages: Sequence[Message], *, memo: str = "", gas: int = 0
) -> dict[str, Any]:
    """Sign with the user's key, broadcast, wait for the block; the transaction's result with its hash."""
    gas = gas or 150_000 + sum(120_000 + 50 * len(json.dumps(one)) for one in messages)
    with tempfile.TemporaryDirectory(prefix="relayclear-tx-") as folder:
        unsigned = Path(folder) / "tx.json"
        signed = Path(folder) / "signed.json"
        unsigned.write_text(json.dumps(_unsigned(messages, memo, gas, node.gas_denom)), encoding="utf-8")
        account, sequence = account_numbers(node, sender)
        node.command(
            *(
                "tx",
                "sign",
                str(unsigned),
                "--from",
                user,
                "--keyring-backend",
                "test",
                "--chain-id",
                node.chain_id,
                "--offline",
            ),
            *("--account-number", str(account), "--sequence", str(sequence), "--output-document", str(signed)),
        )
        shown = node.command(
            "tx", "broadcast", str(signed), "--output", "json", "--node", node.rpc.replace("http:", "tcp:")
        )
    sent = json.loads(shown)
    if sent["code"]:
        raise TxError(f"{node.chain_id}: code {sent['code']}: {sent['raw_log']}")
    included = node.ask.tx(sent["txhash"])
    result: dict[str, Any] = included["tx_result"]
    if result["code"]:
        raise TxError(f"{node.chain_id}: code {result['code']}: {result['log']}")
    return {**result, "hash": sent["txhash"], "height": int(included["height"])}


def sequences(result: dict[str, Any]) -> list[int]:
    """The sequences of the packets a transaction sent."""
    return [int(value) for value in attributes(result, "send_packet", "packet_sequence")]


def account_numbers(node: Node, address: str) -> tuple[int, int]:
    """An account's number and next sequence."""
    raw = node.ask.read("/cosmos.auth.v1beta1.Query/AccountInfo", message((1, address)))
    info = fields(raw, 1)[0]
    return number(info, 3), number(info, 4)


def _unsigned(messages: Sequence[Message], memo: str, gas: int, denom: str) -> dict[str, Any]:
    amount = str(math.ceil(gas * GAS_PRICE))
    return {
        "body": {
            "messages": list(messages),
            "memo": memo,
            "timeout_height": "0",
            "extension_options": [],
            "non_critical_extension_options": [],
        },
        "auth_info": {
            "signer_infos": [],
            "fee": {"amount": [{"denom": denom, "amount": amount}], "gas_limit": str(gas), "payer": "", "granter": ""},
            "tip": None,
        },
        "signatures": [],
    }
