"""What a running Hermes would clear for nothing, by its own config."""

from __future__ import annotations

from pathlib import Path

import pytest

from relayclear.errors import UsageError
from relayclear.hermes.config import load
from relayclear.hermes.relayer import HermesRelayer
from relayclear.ibc.packet import ChannelEnd
from relayclear.ibc.relayer import DaemonHabit

CHAIN = """
[[chains]]
id = "alpha-1"
type = "CosmosSdk"
rpc_addr = "http://127.0.0.1:9"
grpc_addr = "http://127.0.0.1:9"
event_source = { mode = "pull", interval = "1s" }
account_prefix = "cosmos"
key_name = "daemon"
store_prefix = "ibc"
gas_price = { price = 0.01, denom = "stake" }
"""
END = ChannelEnd("alpha-1", "transfer", "channel-0")
MODE = "[mode.packets]\nenabled = {}\nclear_interval = {}\n"
DENIED = 'packet_filter = { policy = "deny", list = [["transfer", "channel-0"]] }\n'


@pytest.mark.parametrize(
    ("before", "after", "habit"),
    [
        ("", "", DaemonHabit.CLEARS_TOO),
        (MODE.format("true", 100), "", DaemonHabit.CLEARS_TOO),
        (MODE.format("true", 0), "", DaemonHabit.AS_THEY_COME),
        (MODE.format("true", 0) + "clear_on_start = false\n", "", DaemonHabit.ONLY_NEW),
        (MODE.format("true", 100), "clear_interval = 0\n", DaemonHabit.AS_THEY_COME),
        (MODE.format("true", 0), "clear_interval = 7\n", DaemonHabit.CLEARS_TOO),
        (MODE.format("false", 100), "", DaemonHabit.NEVER),
        ("", DENIED, DaemonHabit.NEVER),
        ("", DENIED.replace("channel-0", "channel-1"), DaemonHabit.CLEARS_TOO),
        ("", DENIED.replace("deny", "allow"), DaemonHabit.CLEARS_TOO),
    ],
)
def test_what_a_daemon_does_follows_from_its_config(
    tmp_path: Path, before: str, after: str, habit: DaemonHabit
) -> None:
    (tmp_path / "hermes.toml").write_text(before + CHAIN + after, "utf-8")
    assert HermesRelayer(load(tmp_path / "hermes.toml")).daemon_habit(END) is habit


def test_a_chain_that_the_config_does_not_know_is_named(tmp_path: Path) -> None:
    (tmp_path / "hermes.toml").write_text(CHAIN, "utf-8")
    with pytest.raises(UsageError, match="no chain 'alpha'"):
        HermesRelayer(load(tmp_path / "hermes.toml")).daemon_habit(END._replace(chain="alpha"))
