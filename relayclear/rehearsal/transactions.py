"""Transactions as bytes: taken apart, put together, signed."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from cosmpy.protos.cosmos.crypto.secp256k1 import keys_pb2
from cosmpy.protos.cosmos.tx.signing.v1beta1 import signing_pb2
from cosmpy.protos.cosmos.tx.v1beta1 import tx_pb2
from google.protobuf import any_pb2
from google.protobuf.message import DecodeError

from relayclear.rehearsal.failures import SDK, TxFailure
from relayclear.rehearsal.keys import Key
from relayclear.rehearsal.spec import ChainSpec

UNSIGNED = bytes(64)
_COIN, _ANY = "cosmos.base.v1beta1.Coin", "google.protobuf.Any"
# An absent amount is how protobuf writes none at all, which Go reads as zero.
_NUMBER = re.compile(r"-?[0-9]{0,78}")


@dataclass(frozen=True, slots=True)
class Tx:
    """A decoded transaction; `hash` is what chains call it by, upper-case hex."""

    raw: bytes
    hash: str
    body: Any
    auth: Any
    body_bytes: bytes
    auth_bytes: bytes
    signatures: tuple[bytes, ...]

    def document(self, chain_id: str, account_number: int) -> bytes:
        """What its signer signed (SIGN_MODE_DIRECT)."""
        made = tx_pb2.SignDoc(
            body_bytes=self.body_bytes,
            auth_info_bytes=self.auth_bytes,
            chain_id=chain_id,
            account_number=account_number,
        )
        return bytes(made.SerializeToString())


def hash_of(raw: bytes) -> str:
    """A transaction's name."""
    return sha256(raw).hexdigest().upper()


def decode(raw: bytes) -> Tx:
    """Take a transaction apart.  Raises TxFailure (code 2) for bytes that are none."""
    try:
        whole = tx_pb2.TxRaw.FromString(raw)
        body, auth = tx_pb2.TxBody.FromString(whole.body_bytes), tx_pb2.AuthInfo.FromString(whole.auth_info_bytes)
    except DecodeError as garbage:
        # Most rubbish ends in a length that leads past its end.
        raise TxFailure(SDK, 2, "invalid length; unexpected EOF") from garbage
    readable_amounts(auth.fee)
    return Tx(raw, hash_of(raw), body, auth, whole.body_bytes, whole.auth_info_bytes, tuple(whole.signatures))


def readable_amounts(message: Any) -> None:
    """See that every coin in a message has a number for an amount.  Raises TxFailure (code 2), as Go's decoder does."""
    for field, value in message.ListFields():
        if field.message_type is None or field.message_type.full_name == _ANY:
            continue
        for inner in value if isinstance(value, Sequence) else [value]:
            if field.message_type.full_name == _COIN and not _NUMBER.fullmatch(inner.amount):
                raise TxFailure(SDK, 2, f"failed to set big.Int from string {inner.amount!r}")
            readable_amounts(inner)


def wrap(url: str, message: Any) -> Any:
    """A message in its envelope; `url` is its type."""
    return any_pb2.Any(type_url=url, value=message.SerializeToString())


@dataclass(frozen=True, slots=True)
class Terms:
    """What a transaction says beside its messages; `fee` None is what the chain's minimum price asks, doubled."""

    sequence: int
    account_number: int = 0
    gas: int = 400_000
    fee: int | None = None
    memo: str = ""
    timeout_height: int = 0
    fee_denom: str = ""
    granter: str = ""


def encode(
    spec: ChainSpec, messages: Sequence[Any], terms: Terms, key: Key | None = None, public: bytes = b""
) -> bytes:
    """The bytes of a transaction: signed with a key, or with a signature of zeros where there is none."""
    body = tx_pb2.TxBody(messages=messages, memo=terms.memo, timeout_height=terms.timeout_height)
    auth = tx_pb2.AuthInfo()
    signer = auth.signer_infos.add(sequence=terms.sequence)
    signer.mode_info.single.mode = signing_pb2.SIGN_MODE_DIRECT
    point = key.public if key else public
    if point:
        signer.public_key.type_url = spec.pub_key_type
        signer.public_key.value = keys_pb2.PubKey(key=point).SerializeToString()
    price = math.ceil(spec.min_gas_price * 2 * terms.gas)
    amount = price if terms.fee is None else terms.fee
    if amount:
        auth.fee.amount.add(denom=terms.fee_denom or spec.gas_denom, amount=str(amount))
    auth.fee.gas_limit = terms.gas
    auth.fee.granter = terms.granter
    whole = tx_pb2.TxRaw(body_bytes=body.SerializeToString(), auth_info_bytes=auth.SerializeToString())
    made = decode(whole.SerializeToString())
    whole.signatures.append(key.sign(made.document(spec.chain_id, terms.account_number)) if key else UNSIGNED)
    return bytes(whole.SerializeToString())
