"""Makes every kind of stuck packet for real."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from tests.localnet import relayer
from tests.localnet.node import ALPHA, BETA
from tests.localnet.rpc import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.localnet.channels import Channel
    from tests.localnet.network import Network

# Understood by our own beta-1: the coins arrive and the acknowledgement is never written.
HOLD_MEMO = '{"hold_ack":true}'
TIMEOUT_SECONDS = 10.0
# The configs allow Hermes 4 KiB of memo; the chains allow 32.
_LONG_MEMO = "m" * 6000


@dataclass(frozen=True)
class Stuck:
    """Packets that are stuck, and where they were sent from."""

    kind: str
    chain: str
    port: str
    channel: str
    sequences: list[int]


def make(network: Network, kind: str, channel: Channel | None = None) -> Stuck:
    """Make one class of packet on a channel; channel-0, or the one the class needs, when none is given."""
    chosen = channel or _default_channel(network, kind)
    sequences = _MAKERS[kind](network, chosen)
    end = chosen.beta if kind in {"ordered", "timeout_on_close"} else chosen.alpha
    return Stuck(kind, end.chain, end.port, end.channel, sequences)


def names(network: Network) -> list[str]:
    """The classes that can be made on this network: the dead paths come with the `expired` template."""
    dead = () if network.template == "expired" else ("expired", "half_expired")
    return [name for name in _MAKERS if name not in dead]


def wait_past(network: Network, chain: str, moment: datetime) -> None:
    """Wait until the chain's own clock is past a moment: only that makes a timeout."""

    def past() -> bool | None:
        return network.chains[chain].block_time() > moment or None

    wait_for(past, f"{chain} to pass {moment}", timeout=60)


def never_relayed(network: Network, channel: Channel) -> list[int]:
    """Three transfers nobody relays."""
    return network.transfer(ALPHA, channel.on(ALPHA), count=3)


def timed_out(network: Network, channel: Channel, seconds: float = TIMEOUT_SECONDS) -> list[int]:
    """A transfer whose timeout the receiving chain has passed."""
    sequences = network.transfer(ALPHA, channel.on(ALPHA), timeout_seconds=seconds)
    wait_past(network, BETA, datetime.now(UTC) + timedelta(seconds=seconds))
    return sequences


def ack_missing(network: Network, channel: Channel) -> list[int]:
    """A transfer that was delivered and whose acknowledgement never came back."""
    sequences = network.transfer(ALPHA, channel.on(ALPHA))
    network.recv_only(ALPHA, channel.on(ALPHA), sequences)
    return sequences


def error_ack(network: Network, channel: Channel) -> list[int]:
    """A transfer to an address that isn't one: clearing it ends in an error acknowledgement."""
    return network.transfer(ALPHA, channel.on(ALPHA), receiver="nobody")


def excluded(network: Network, channel: Channel) -> list[int]:
    """A transfer that the operator's Hermes config excludes."""
    sequences = network.transfer(ALPHA, channel.on(ALPHA))
    listed = network.settings.excluded
    listed.setdefault(ALPHA, {}).setdefault(channel.on(ALPHA), []).extend(sequences)
    network.configure(excluded=listed)
    return sequences


def oversized(network: Network, channel: Channel) -> list[int]:
    """A transfer whose memo is longer than the operator's Hermes relays."""
    return network.transfer(ALPHA, channel.on(ALPHA), memo=_LONG_MEMO)


def cleared_by_rival(network: Network, channel: Channel) -> list[int]:
    """A transfer that another operator's Hermes has already delivered and acknowledged."""
    sequences = network.transfer(ALPHA, channel.on(ALPHA))
    network.clear(ALPHA, channel.on(ALPHA), sequences, key="rival")
    left = set(sequences) & set(network.commitments(ALPHA, channel.on(ALPHA)))
    assert not left, f"the rival cleared nothing: {left}"
    return sequences


def dead_path(network: Network, channel: Channel) -> list[int]:
    """The packets the template sent before the clients of this channel expired."""
    return network.commitments(ALPHA, channel.on(ALPHA))


def ordered(network: Network, channel: Channel) -> list[int]:
    """Three packets from beta-1 on an ordered channel: the second and third wait behind the first."""
    return network.mock_send(channel, count=3)


def timeout_on_close(network: Network, channel: Channel) -> list[int]:
    """A packet from beta-1 whose channel was closed on alpha-1 before it arrived. The channel is used up by this."""
    sequences = network.mock_send(channel)
    here, there = channel.alpha, channel.beta
    done = network.hermes(
        *(
            "tx",
            "chan-close-init",
            "--dst-chain",
            here.chain,
            "--src-chain",
            there.chain,
            "--dst-connection",
            here.connection,
        ),
        *(
            "--dst-port",
            here.port,
            "--src-port",
            there.port,
            "--dst-channel",
            here.channel,
            "--src-channel",
            there.channel,
        ),
    )
    relayer.result(done)
    return sequences


def async_ack(network: Network, channel: Channel) -> list[int]:
    """A transfer that was received and whose acknowledgement beta-1 hasn't written, as while it is forwarded."""
    sequences = network.transfer(ALPHA, channel.on(ALPHA), memo=HOLD_MEMO)
    network.recv_only(ALPHA, channel.on(ALPHA), sequences)
    return sequences


def _default_channel(network: Network, kind: str) -> Channel:
    wanted = {"expired": "expired", "half_expired": "half_expired", "ordered": "ordered", "timeout_on_close": "mock"}
    if kind == "timeout_on_close":
        return network.fresh_channel("mock")
    return network.of_kind(wanted.get(kind, "transfer"))


_MAKERS: dict[str, Callable[[Network, Channel], list[int]]] = {
    "never_relayed": never_relayed,
    "timed_out": timed_out,
    "ack_missing": ack_missing,
    "error_ack": error_ack,
    "expired": dead_path,
    "half_expired": dead_path,
    "excluded": excluded,
    "oversized": oversized,
    "cleared_by_rival": cleared_by_rival,
    "ordered": ordered,
    "timeout_on_close": timeout_on_close,
    "async_ack": async_ack,
}
