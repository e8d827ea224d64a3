"""Everything that is rehearsed with: a world, the nodes in front of it, who fails and how, and what can be done to it.

Each function is one thing that the control port does.  They raise StageError in words for whoever asked.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any, TypeVar

from google.protobuf import any_pb2, json_format
from google.protobuf.message import DecodeError

from relayclear.ibc.nearest import did_you_mean
from relayclear.ibc.packet import ChannelEnd
from relayclear.rehearsal import bank, channels, clients, messages, rival, staging
from relayclear.rehearsal.chain import Chain
from relayclear.rehearsal.clock import BILLION, SteppedClock
from relayclear.rehearsal.faults import NodeFaults, RelayerFaults, Rival
from relayclear.rehearsal.rpc import Node
from relayclear.rehearsal.transactions import Terms, hash_of
from relayclear.rehearsal.world import World

Faults = NodeFaults | RelayerFaults | Rival
_TERMS = ("memo", "gas", "fee", "fee_denom", "timeout_height", "granter")
_CHANNEL_STATES = {"open": channels.OPEN, "closed": channels.CLOSED}


Thing = TypeVar("Thing")


class StageError(Exception):
    """What was asked can't be done; the text is for whoever asked."""


class UnknownError(StageError):
    """Nothing of that name is there."""


@dataclass
class Stage:
    """A world with its nodes, by name, and its troublemakers."""

    world: World
    nodes: dict[str, Node]
    relayer: RelayerFaults = field(default_factory=RelayerFaults)
    rival: Rival = field(default_factory=Rival)

    def __post_init__(self) -> None:
        """The rival takes its place."""
        rival.enter(self.world, self.rival)

    def node(self, name: str) -> Node:
        """A node by its name.  Raises StageError."""
        return _named(self.nodes, name, "node")

    def chain(self, chain_id: str) -> Chain:
        """A chain by its id.  Raises StageError."""
        return _named(self.world.chains, chain_id, "chain")

    def nodes_of(self, chain_id: str) -> list[str]:
        """The names of a chain's nodes, in their order."""
        return [name for name, node in self.nodes.items() if node.chain.spec.chain_id == chain_id]


def state(stage: Stage, addresses: Mapping[str, str]) -> dict[str, Any]:
    """All there is to see; `addresses` are the nodes', by name."""
    return {
        "time_ns": stage.world.clock.now_ns(),
        "stepped": isinstance(stage.world.clock, SteppedClock),
        "chains": {name: _chain_state(stage, name, chain) for name, chain in stage.world.chains.items()},
        "nodes": {
            name: {
                "chain": node.chain.spec.chain_id,
                "address": addresses.get(name, ""),
                "faults": asdict(node.faults),
            }
            for name, node in stage.nodes.items()
        },
        "relayer": asdict(stage.relayer),
        "rival": asdict(stage.rival),
    }


def _chain_state(stage: Stage, name: str, chain: Chain) -> dict[str, Any]:
    return {
        "height": chain.height,
        "time_ns": chain.time_ns,
        "skew_seconds": stage.world.skew_ns[name] / BILLION,
        "waiting": len(chain.mempool),
        "dropping": chain.dropping,
        "nodes": stage.nodes_of(name),
    }


def change(faults: Faults, asked: Mapping[str, Any]) -> None:
    """Set the named fields, all or none of them.  Raises StageError for an unknown name or a value of another kind."""
    usual = {one.name: getattr(type(faults)(), one.name) for one in fields(faults)}
    for name, value in asked.items():
        if name not in usual:
            raise StageError(f"there is no fault {name!r}{did_you_mean(name, usual)}")
        kind = type(usual[name])
        # JSON writes 2.0 as 2; and Python's True is an integer, which is not meant here.
        fits = isinstance(value, (int, float) if kind is float else kind) and isinstance(value, bool) == (kind is bool)
        if not fits:
            raise StageError(f"{name} is {_WORDS[kind]}, not {value!r}")
        _check(name, value)
    for name, value in asked.items():
        setattr(faults, name, value)


def _check(name: str, value: Any) -> None:
    """Refuse what no program could mean.  Raises StageError."""
    if name == "die_after" and value not in ("", *_STEPS):
        raise StageError(f"die_after is recv, ack or timeout, or an empty text for never, not {value!r}")
    if name == "http_status" and value and not _FIRST_STATUS <= value <= _LAST_STATUS:
        raise StageError(f"http_status is 100 to 599, or 0 for none, not {value!r}")
    if isinstance(value, int | float) and value < 0:
        raise StageError(f"{name} is never below 0, not {value!r}")


_STEPS = ("recv", "ack", "timeout")
_FIRST_STATUS, _LAST_STATUS = 100, 599
_WORDS = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a text",
    list: "a list",
    dict: "an object",
}


def heal(faults: Faults) -> None:
    """Back to how nothing fails."""
    healthy = type(faults)()
    change(faults, {one.name: getattr(healthy, one.name) for one in fields(faults)})


def drop(stage: Stage, chain_id: str, count: int) -> None:
    """Have a chain take so many of the next transactions and forget them.  Raises StageError."""
    chain = stage.chain(chain_id)
    _check("count", count)
    chain.dropping = count


def replay(stage: Stage, chain_id: str, tx_hash: str) -> None:
    """Have the next block's proposer put a transaction into it that stands in one already.  Raises StageError."""
    stage.chain(chain_id)
    try:
        stage.world.replay(chain_id, tx_hash)
    except LookupError as unknown:
        raise UnknownError(str(unknown)) from unknown


def set_client(stage: Stage, chain_id: str, client: str, status: str) -> None:
    """Expire or freeze a light client.  Raises StageError."""
    chain = stage.chain(chain_id)
    if clients.state(chain.store, client) is None:
        raise UnknownError(f"{chain_id} has no client {client}")
    match status:
        case "frozen":
            chain.edit(lambda ctx: clients.freeze(ctx, client))
        case "expired":
            chain.edit(lambda ctx: clients.expire(ctx, client))
        case _:
            raise StageError(f"a client can be made expired or frozen, not {status!r}")


def set_channel(stage: Stage, end: ChannelEnd, wanted: str) -> None:
    """Close a channel end, or open it again.  Raises StageError."""
    chain = stage.chain(end.chain)
    if channels.channel(chain.store, end.port, end.channel) is None:
        raise UnknownError(f"{end.chain} has no channel {end.port}/{end.channel}")
    if wanted not in _CHANNEL_STATES:
        raise StageError(f"a channel can be made open or closed, not {wanted!r}")
    stage.world.edit_channel(end, lambda found: setattr(found, "state", _CHANNEL_STATES[wanted]))


def skew(stage: Stage, chain_id: str, seconds: float) -> None:
    """Set a chain's clock so far from the world's; its blocks' time never goes back all the same."""
    stage.chain(chain_id)
    stage.world.skew_ns[chain_id] = round(seconds * BILLION)


def make_blocks(stage: Stage, count: int, chain_id: str | None = None) -> None:
    """Make blocks at once, on one chain or on each.  Raises StageError."""
    if chain_id is not None:
        stage.chain(chain_id)
    _check("count", count)
    for _ in range(count):
        stage.world.tick(chain_id)


def step(stage: Stage, seconds: float) -> None:
    """Let stepped time pass.  Raises StageError where time runs by itself."""
    if not isinstance(stage.world.clock, SteppedClock):
        raise StageError("time runs by itself in this world: it can't be stepped")
    stage.world.step(seconds)


def act(stage: Stage, chain_id: str, who: str, asked: Sequence[Any], terms: Mapping[str, Any]) -> dict[str, Any]:
    """Have an account, by address or name, carry out messages in a block made at once: how that went.

    A message is protobuf's JSON (with `@type`) or an Any in base64; `terms` are its transaction's (`Terms`).
    Raises StageError.
    """
    chain = stage.chain(chain_id)
    address = who if bank.account(chain.store, who) else address_of(chain, who)
    if bank.account(chain.store, address) is None:
        raise UnknownError(f"{who} has no account on {chain_id}")
    read = [_message(one) for one in asked]
    for name in terms:
        if name not in _TERMS:
            raise StageError(f"there is no term {name!r}{did_you_mean(name, _TERMS)}")
    chosen = Terms(0, **{"gas": 100_000 + 150_000 * len(read), **terms})
    try:
        raw = stage.world.post(chain_id, address, *read, terms=chosen)
    except (TypeError, ValueError) as bad:
        raise StageError(f"that is no transaction: {bad}") from bad
    stage.world.tick(chain_id)
    found = chain.find(hash_of(raw))
    if found is None:
        raise StageError("the transaction was dropped")
    block, place = found
    result = block.results[place]
    return {
        "hash": hash_of(raw),
        "height": block.height,
        "code": result.code,
        "codespace": result.codespace,
        "log": result.log,
        "events": [one.json() for one in result.events],
    }


def address_of(chain: Chain, name: str) -> str:
    """The address of a named key on a chain."""
    return staging.address(chain.spec, name)


def _message(asked: Any) -> Any:
    try:
        made = any_pb2.Any()
        if isinstance(asked, str):
            made.ParseFromString(base64.b64decode(asked, validate=True))
        else:
            json_format.ParseDict(asked, made)
    except (ValueError, DecodeError, json_format.ParseError, AttributeError, TypeError) as bad:
        raise StageError(f"that is no message: {bad}") from bad
    _named(messages.KINDS, made.type_url, "message")
    return made


def _named(things: Mapping[str, Thing], name: str, kind: str) -> Thing:
    """The thing of a name.  Raises UnknownError that names the nearest one."""
    if name in things:
        return things[name]
    raise UnknownError(f"there is no {kind} {name!r}{did_you_mean(name, things)}")
