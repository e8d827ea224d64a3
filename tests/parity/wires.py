"""Messages as users sign them."""

from __future__ import annotations

import hashlib
import time
from typing import Any

from cosmpy.protos.cosmos.authz.v1beta1 import authz_pb2
from cosmpy.protos.cosmos.authz.v1beta1 import tx_pb2 as authz_tx
from cosmpy.protos.cosmos.bank.v1beta1 import bank_pb2
from cosmpy.protos.cosmos.bank.v1beta1 import tx_pb2 as bank_tx
from cosmpy.protos.cosmos.base.v1beta1 import coin_pb2
from cosmpy.protos.cosmos.feegrant.v1beta1 import feegrant_pb2
from cosmpy.protos.cosmos.feegrant.v1beta1 import tx_pb2 as feegrant_tx
from cosmpy.protos.ibc.applications.transfer.v1 import tx_pb2 as transfer_tx
from google.protobuf import any_pb2

from relayclear.rehearsal.keys import Key
from tests.localnet.channels import End
from tests.localnet.genesis import COIN
from tests.parity.side import MONTH, PREFIX

# Who gets whatever is sent, and who never gets anything.
STRANGER = Key.of_name("parity stranger").address(PREFIX)
SECOND = Key.of_name("parity second").address(PREFIX)
UNUSED = Key.of_name("parity nobody").address(PREFIX)


def fresh_address(salt: str) -> str:
    """An address nobody ever paid."""
    return Key.of_name(f"parity fresh {salt} {time.time_ns()}").address(PREFIX)


def voucher(channel: str, denom: str = COIN) -> str:
    """The hash of a coin's voucher on the chain where its channel has this id."""
    return hashlib.sha256(f"transfer/{channel}/{denom}".encode()).hexdigest().upper()


def wrap(message: Any) -> Any:
    """A message in its envelope."""
    return any_pb2.Any(type_url=f"/{message.DESCRIPTOR.full_name}", value=message.SerializeToString())


def coin(amount: int, denom: str = COIN) -> Any:
    """A coin."""
    return coin_pb2.Coin(denom=denom, amount=str(amount))


def send(sender: str, to: str, *coins: Any) -> Any:
    """A plain payment."""
    return wrap(bank_tx.MsgSend(from_address=sender, to_address=to, amount=coins))


def multi_send(sender: str, outputs: dict[str, Any], *, over: int = 0) -> Any:
    """One payment to several; `over` is what goes in above what comes out."""
    total = over + sum(int(one.amount) for one in outputs.values())
    sides = [bank_pb2.Output(address=address, coins=[one]) for address, one in outputs.items()]
    return wrap(bank_tx.MsgMultiSend(inputs=[bank_pb2.Input(address=sender, coins=[coin(total)])], outputs=sides))


def transfer(
    sender: str,
    end: End,
    receiver: str,
    *,
    amount: int = 1000,
    denom: str = COIN,
    memo: str = "",
    timeout_seconds: float = MONTH,
    timeout_height: int = 0,
) -> Any:
    """An ICS-20 transfer over a channel; its timeout counts from now."""
    made = transfer_tx.MsgTransfer(
        source_port=end.port, source_channel=end.channel, sender=sender, receiver=receiver, memo=memo
    )
    made.token.denom, made.token.amount = denom, str(amount)
    if timeout_seconds:
        made.timeout_timestamp = time.time_ns() + round(timeout_seconds * 1e9)
    if timeout_height:
        made.timeout_height.revision_number, made.timeout_height.revision_height = 1, timeout_height
    return wrap(made)


def grant(granter: str, grantee: str, url: str) -> Any:
    """Leave for another account to send a kind of message, for ever."""
    made = authz_tx.MsgGrant(granter=granter, grantee=grantee)
    generic = authz_pb2.GenericAuthorization(msg=url)
    made.grant.authorization.CopyFrom(wrap(generic))
    return wrap(made)


def execute(grantee: str, *messages: Any) -> Any:
    """Messages sent with such leave."""
    return wrap(authz_tx.MsgExec(grantee=grantee, msgs=messages))


def allow_fees(granter: str, grantee: str) -> Any:
    """Pay another account's fees from now on."""
    made = feegrant_tx.MsgGrantAllowance(granter=granter, grantee=grantee)
    made.allowance.CopyFrom(wrap(feegrant_pb2.BasicAllowance()))
    return wrap(made)
