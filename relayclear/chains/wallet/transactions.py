"""A draft as the bytes of a transaction, with its one signature or without (SIGN_MODE_DIRECT).

The same draft and key give the same bytes for ever, those that other wallets give (cosmjs).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from hashlib import sha256

from cosmpy.protos.cosmos.bank.v1beta1 import tx_pb2 as bank
from cosmpy.protos.cosmos.base.v1beta1 import coin_pb2
from cosmpy.protos.cosmos.crypto.secp256k1 import keys_pb2
from cosmpy.protos.cosmos.tx.signing.v1beta1 import signing_pb2
from cosmpy.protos.cosmos.tx.v1beta1 import tx_pb2
from cosmpy.protos.ibc.applications.transfer.v1 import tx_pb2 as transfer
from google.protobuf import any_pb2

from relayclear.chains.wallet.keys import public_key_of, sign
from relayclear.ibc.accounts import AccountType
from relayclear.ibc.coin import Coin
from relayclear.ibc.spending import BankSend, Draft, SignedTx

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def unsigned_tx(draft: Draft) -> bytes:
    """The transaction with a signer without a public key, and an empty signature in the place of its own.

    Chains simulate that; they take the key that they know of the account, or the dearest there is.
    """
    return _raw(_body(draft), _auth_info(draft), b"")


def signed_tx(draft: Draft, secret: bytes, account: AccountType) -> SignedTx:
    """The transaction signed with a private key.  Raises ValueError for a secret that is none."""
    # Every kind of public key is one field of bytes, whatever it is called.
    public = keys_pb2.PubKey(key=public_key_of(secret)).SerializeToString()
    body = _body(draft)
    auth_info = _auth_info(draft, any_pb2.Any(type_url=account.pub_key_type, value=public))
    document = tx_pb2.SignDoc(
        body_bytes=body, auth_info_bytes=auth_info, chain_id=draft.chain, account_number=draft.number
    )
    raw = _raw(body, auth_info, sign(secret, document.SerializeToString(), account.kind))
    return SignedTx(raw, sha256(raw).hexdigest().upper())


def _raw(body: bytes, auth_info: bytes, signature: bytes) -> bytes:
    whole = tx_pb2.TxRaw(body_bytes=body, auth_info_bytes=auth_info, signatures=[signature])
    return bytes(whole.SerializeToString())


def _body(draft: Draft) -> bytes:
    body = tx_pb2.TxBody(messages=[_message(draft)], memo=draft.memo, timeout_height=draft.timeout_height)
    return bytes(body.SerializeToString())


def _message(draft: Draft) -> any_pb2.Any:
    sending = draft.sending
    if isinstance(sending, BankSend):
        send = bank.MsgSend(from_address=draft.sender, to_address=sending.to, amount=[_coin(sending.coin)])
        return any_pb2.Any(type_url="/cosmos.bank.v1beta1.MsgSend", value=send.SerializeToString())
    message = transfer.MsgTransfer(
        source_port=sending.over.port,
        source_channel=sending.over.channel,
        token=_coin(sending.coin),
        sender=draft.sender,
        receiver=sending.to,
        timeout_timestamp=_nanoseconds(sending.timeout_at),
        memo=draft.memo,
    )
    return any_pb2.Any(type_url="/ibc.applications.transfer.v1.MsgTransfer", value=message.SerializeToString())


def _auth_info(draft: Draft, public_key: any_pb2.Any | None = None) -> bytes:
    single = tx_pb2.ModeInfo.Single(mode=signing_pb2.SIGN_MODE_DIRECT)
    signer = tx_pb2.SignerInfo(public_key=public_key, mode_info=tx_pb2.ModeInfo(single=single), sequence=draft.sequence)
    # Chains refuse a coin of nothing: who pays no fee names none.
    amount = [_coin(draft.fee)] if draft.fee.amount else []
    fee = tx_pb2.Fee(amount=amount, gas_limit=draft.gas, granter=draft.granter)
    return bytes(tx_pb2.AuthInfo(signer_infos=[signer], fee=fee).SerializeToString())


def _coin(coin: Coin) -> coin_pb2.Coin:
    return coin_pb2.Coin(denom=coin.denom, amount=str(coin.amount))


def _nanoseconds(at: datetime) -> int:
    """Unix nanoseconds, without the rounding of a float."""
    return (at - _EPOCH) // timedelta(microseconds=1) * 1000
