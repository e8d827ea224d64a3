"""Our adapter over the real Hermes between real chains: what it runs, hears, and leaves alone."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from relayclear.hermes.config import load
from relayclear.hermes.derived import Wishes, derived, written
from relayclear.hermes.relayer import HermesProgram, HermesRelayer
from relayclear.ibc.coin import Coin
from relayclear.ibc.packet import ChannelEnd, PacketKey, SequenceRanges
from relayclear.ibc.relayer import ClearJob, FeeCap, RelayEvent, RelayRun
from tests.localnet import paths, stick
from tests.localnet.channels import Channel
from tests.localnet.network import Network

CONFIGS = Path(__file__).parent.parent / "hermes" / "configs"


class Clearing:
    """Clears packets from alpha-1 over one channel, as our use cases do."""

    def __init__(self, network: Network, channel: Channel, folder: Path, time_limit: float = 120.0) -> None:
        """Drive the network's Hermes with the operator's config."""
        program = HermesProgram((str(paths.program("hermes")),), time_limit=time_limit)
        self.hermes = HermesRelayer(load(network.config()), program, lock_folder=folder / "locks")
        ends = channel.alpha, channel.beta
        self.source, self.destination = (ChannelEnd(end.chain, end.port, end.channel) for end in ends)

    def run(
        self,
        *sequences: int,
        key: str = "clearing",
        caps: tuple[FeeCap, ...] = (),
        told: Callable[[RelayEvent], object] = lambda _: None,
    ) -> RelayRun:
        """Clear these sequences, sent by alpha-1, with one key on both chains."""
        keys: Mapping[str, str] = dict.fromkeys((self.source.chain, self.destination.chain), key)
        job = ClearJob(self.source, self.destination, SequenceRanges.of(sequences), keys, caps, "rc-test")

        def progress(event: RelayEvent) -> None:
            told(event)

        async def clear() -> RelayRun:
            async with self.hermes.holding([self.hermes.key(chain, name) for chain, name in keys.items()]):
                return await self.hermes.clear(job, progress)

        return asyncio.run(clear())

    def event(self, step: str, sequence: int) -> RelayEvent:
        """A claimed step of one of these packets."""
        return RelayEvent(step, PacketKey(*self.source, sequence))


@pytest.fixture
def clearing(network: Network, channel: Channel, tmp_path: Path) -> Clearing:
    """On a channel of its own."""
    return Clearing(network, channel, tmp_path)


def test_only_the_asked_sequence_is_cleared_and_its_steps_are_told(
    network: Network, channel: Channel, clearing: Clearing
) -> None:
    one, two, three = network.transfer("alpha-1", channel.on("alpha-1"), count=3)
    told: list[RelayEvent] = []
    run = clearing.run(two, told=told.append)
    assert (run.version, run.exit_code, run.ended, run.complaints) == ("1.10.5", 0, True, ())
    assert list(run.events) == told == [clearing.event("recv", two), clearing.event("ack", two)]
    assert run.argv[-2:] == ("--packet-sequences", str(two))
    assert '"status":"success"' in run.output
    assert network.pending("alpha-1", channel.on("alpha-1")).unreceived_packets == [one, three]


def test_the_asked_key_pays_within_its_cap_and_the_daemons_key_does_not(
    network: Network, channel: Channel, clearing: Clearing
) -> None:
    (sequence,) = network.transfer("alpha-1", channel.on("alpha-1"))
    denoms = {"alpha-1": "stake", "beta-1": "ubeta"}
    before = {(c, k): network.balance(c, k, d) for c, d in denoms.items() for k in ("clearing", "daemon")}
    run = clearing.run(sequence, caps=tuple(FeeCap(chain, Coin(denom, 700)) for chain, denom in denoms.items()))
    spent = {(c, k): before[c, k] - network.balance(c, k, denoms[c]) for c, k in before}
    assert len(run.events) == 2
    assert {key: paid for key, paid in spent.items() if key[1] == "daemon"} == {
        ("alpha-1", "daemon"): 0,
        ("beta-1", "daemon"): 0,
    }
    assert all(0 < spent[chain, "clearing"] <= 700 for chain in denoms)


def test_a_cap_that_is_too_low_sends_nothing_and_the_complaint_says_why(
    network: Network, channel: Channel, clearing: Clearing
) -> None:
    (sequence,) = network.transfer("alpha-1", channel.on("alpha-1"))
    run = clearing.run(sequence, caps=(FeeCap("beta-1", Coin("ubeta", 10)),))
    assert (run.exit_code, run.events) == (0, ())
    assert any("exceeds the maximum configured 4999" in complaint for complaint in run.complaints)


def test_a_packet_past_its_timeout_is_told_as_timed_out(network: Network, channel: Channel, clearing: Clearing) -> None:
    stuck = stick.make(network, "timed_out", channel)
    run = clearing.run(*stuck.sequences)
    assert run.events == tuple(clearing.event("timeout", sequence) for sequence in stuck.sequences)


def test_a_key_without_an_account_does_nothing_and_hermes_calls_it_success(
    network: Network, channel: Channel, clearing: Clearing
) -> None:
    (sequence,) = network.transfer("alpha-1", channel.on("alpha-1"))
    run = clearing.run(sequence, key="pauper")
    assert (run.exit_code, run.events) == (0, ())
    assert any("not found" in complaint and "Location" not in complaint for complaint in run.complaints)


def test_a_step_is_told_while_hermes_still_runs_and_a_stop_ends_it_there(
    network: Network, channel: Channel, clearing: Clearing
) -> None:
    (sequence,) = network.transfer("alpha-1", channel.on("alpha-1"))
    run = clearing.run(sequence, told=lambda _: clearing.hermes.stop())
    assert (run.exit_code, run.ended, run.events) == (None, True, (clearing.event("recv", sequence),))
    assert network.pending("alpha-1", channel.on("alpha-1")).unreceived_acks == [sequence]


def test_a_channel_that_is_not_there_is_an_error_in_hermes_words(clearing: Clearing) -> None:
    clearing.source = clearing.source._replace(channel="channel-999")
    run = clearing.run(1)
    assert (run.exit_code, run.events) == (1, ())
    assert any("channel-999" in complaint for complaint in run.complaints)


def test_a_node_that_hangs_is_given_up_at_the_time_limit(own_network: Network, tmp_path: Path) -> None:
    channel = own_network.fresh_channel()
    clearing = Clearing(own_network, channel, tmp_path, time_limit=3.0)
    own_network.chains["beta-1"].freeze()
    try:
        run = clearing.run(1)
    finally:
        own_network.chains["beta-1"].thaw()
    assert (run.exit_code, run.ended, run.events) == (None, True, ())
    assert run.complaints == ("Hermes had not finished after 3 s",)


@pytest.mark.usefixtures("network")
@pytest.mark.parametrize(("config", "chains"), [("v1_7", ("ibc-0", "ibc-1")), ("v1_10", ("osmosis-1", "cosmoshub-4"))])
def test_hermes_accepts_the_derived_config(config: str, chains: tuple[str, str]) -> None:
    wishes = Wishes(chains, dict.fromkeys(chains, "clearing"), memo="rc-test")
    with written(derived(load(CONFIGS / f"{config}.toml"), wishes, (1, 10, 5))) as path:
        argv = [str(paths.program("hermes")), "--config", str(path), "config", "validate"]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert (done.returncode, "configuration is valid" in done.stdout) == (0, True), done.stdout + done.stderr
