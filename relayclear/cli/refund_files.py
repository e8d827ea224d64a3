"""A refund as the file that the chain's own program signs, and the commands that sign and send it."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from relayclear.errors import RelayclearError, UsageError
from relayclear.ibc.coin import Coin
from relayclear.ibc.spending import BankSend, Draft

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def file_of(folder: Path, refund_id: str) -> Path:
    """Where the unsigned transaction of a refund goes."""
    return folder / f"refund-{refund_id}.json"


def unsigned_document(draft: Draft) -> dict[str, Any]:
    """The transaction in the JSON of the SDK's programs, numbers of 64 bits as texts."""
    fee = [_coin(draft.fee)] if draft.fee.amount else []
    return {
        "body": {
            "messages": [_message(draft)],
            "memo": draft.memo,
            "timeout_height": str(draft.timeout_height),
            "extension_options": [],
            "non_critical_extension_options": [],
        },
        "auth_info": {
            "signer_infos": [],
            "fee": {"amount": fee, "gas_limit": str(draft.gas), "payer": "", "granter": draft.granter},
            "tip": None,
        },
        "signatures": [],
    }


def _message(draft: Draft) -> dict[str, Any]:
    sending = draft.sending
    if isinstance(sending, BankSend):
        return {
            "@type": "/cosmos.bank.v1beta1.MsgSend",
            "from_address": draft.sender,
            "to_address": sending.to,
            "amount": [_coin(sending.coin)],
        }
    nanoseconds = (sending.timeout_at - _EPOCH) // timedelta(microseconds=1) * 1000
    return {
        "@type": "/ibc.applications.transfer.v1.MsgTransfer",
        "source_port": sending.over.port,
        "source_channel": sending.over.channel,
        "token": _coin(sending.coin),
        "sender": draft.sender,
        "receiver": sending.to,
        "timeout_height": {"revision_number": "0", "revision_height": "0"},
        "timeout_timestamp": str(nanoseconds),
        "memo": draft.memo,
    }


def _coin(coin: Coin) -> dict[str, str]:
    return {"denom": coin.denom, "amount": str(coin.amount)}


def make_room(folder: Path, paths: Sequence[Path]) -> None:
    """Make the folder; whatever would keep a file from being written is told before anything is exported.

    Raises UsageError for a file that is there, or a folder that can't be written into.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".relayclear-export"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise UsageError(
            f"{folder} can't be written into: {error.strerror}", hint="-o DIR, with a folder of yours"
        ) from error
    there = next((path for path in paths if path.exists()), None)
    if there is not None:
        raise UsageError(f"{there} is there already, and may be signed", hint="give another -o DIR")


def write_new(path: Path, document: dict[str, Any]) -> None:
    """Write a file that isn't there yet.  Raises RelayclearError where that fails."""
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
    except OSError as error:
        raise RelayclearError(
            f"the refund is exported, but {path} can't be written: {error.strerror}",
            hint="relayclear refunds export --cancel ID --reason … once its timeout height has passed",
            code="output_not_written",
        ) from error


def commands(path: Path, draft: Draft, place: int, program: str | None, node: str | None) -> list[str]:
    """The commands that sign and send a file, the `place`-th of its account's.

    Signed off line, each on a sequence of its own: whatever is signed twice can land only once.
    """
    signed = path.with_suffix(".signed.json")
    binary, at = program or "CHAIN_BINARY", ["--node", node] if node else []
    account = ["--account-number", str(draft.number), "--sequence", str(draft.sequence + place)]
    sign = [binary, "tx", "sign", str(path), "--from", "YOUR_KEY", "--chain-id", draft.chain, "--offline", *account]
    send = [binary, "tx", "broadcast", str(signed), *at]
    return [shlex.join([*sign, "--output-document", str(signed)]), shlex.join(send)]
