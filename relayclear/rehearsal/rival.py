"""Another relayer that is always a little faster: its transactions stand before ours in the same block."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

from google.protobuf import any_pb2

from relayclear.rehearsal import bank, messages
from relayclear.rehearsal.chain import Chain
from relayclear.rehearsal.faults import Rival
from relayclear.rehearsal.keys import Key
from relayclear.rehearsal.transactions import decode, wrap
from relayclear.rehearsal.world import World

_UPDATE = "/ibc.core.client.v1.MsgUpdateClient"


def enter(world: World, rival: Rival) -> None:
    """Let the rival watch every chain of the world; it does nothing until it is armed."""
    for chain in world.chains.values():
        chain.before_block.append(functools.partial(_overtake, world, rival))


def _overtake(world: World, rival: Rival, chain: Chain) -> None:
    if not rival.armed:
        return
    name = chain.spec.chain_id
    address = Key.of_name(rival.key, chain.spec.key_kind).address(chain.spec.prefix)
    copied = [copy for raw in chain.mempool if chain.sender(raw) != address and (copy := _relayed(raw, address))]
    if not copied:
        return
    if bank.account(chain.store, address) is None:
        world.fund(name, address, chain.spec.gas_denom)
    waiting = [*chain.mempool]
    made = [world.post(name, address, *copy) for copy in copied]
    chain.mempool = [*made, *waiting]


def _relayed(raw: bytes, signer: str) -> Sequence[Any]:
    """What a transaction relays, client updates included, to be signed by another; nothing when it relays nothing."""
    found = decode(raw).body.messages
    if not any(messages.KINDS[one.type_url].packet for one in found):
        return ()
    return [_by(one, signer) for one in found if messages.KINDS[one.type_url].packet or one.type_url == _UPDATE]


def _by(message: any_pb2.Any, signer: str) -> Any:
    url, copy = messages.unpack(message)
    copy.signer = signer
    return wrap(url, copy)
