"""Queries, keys, health and transfers: the JSON and the words of the real program."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from relayclear.rehearsal import clients
from relayclear.rehearsal.keys import Key
from tests.rehearsal.hermes.playing import ALPHA, Playground

PHRASE = " ".join(["abandon"] * 11 + ["about"])


def query(ground: Playground, *words: str, chain: str = "alpha-1") -> object:
    place = ("--chain", chain, "--port", "transfer", "--channel", "channel-0")
    ran = ground.hermes("query", *words, *place)
    assert (ran.code, ran.status) == (0, "success")
    return ran.result


def test_pending_tells_both_sides(ground: Playground) -> None:
    for _ in range(2):
        ground.send()
    ground.send(end=ground.far)
    ground.step("packet-recv", "1")
    assert query(ground, "packet", "pending") == {
        "src": {"unreceived_packets": [2], "unreceived_acks": [1]},
        "dst": {"unreceived_packets": [1], "unreceived_acks": []},
        "src_chain": "alpha-1",
        "dst_chain": "beta-1",
    }


def test_pending_sends_are_of_the_other_chain_and_pending_acks_of_the_own(ground: Playground) -> None:
    ground.send()
    ground.send()
    ground.step("packet-recv", "1")
    assert query(ground, "packet", "pending-sends", chain="beta-1") == [2]
    assert query(ground, "packet", "pending-acks") == [1]
    assert query(ground, "packet", "pending-sends") == []


def test_commitments_and_acks_come_with_their_height(ground: Playground) -> None:
    assert query(ground, "packet", "acks", chain="beta-1") is None
    ground.send()
    ground.step("packet-recv", "1")
    for what, chain in (("commitments", "alpha-1"), ("acks", "beta-1")):
        height = {"revision_height": ground.world.chains[chain].height, "revision_number": 1}
        assert query(ground, "packet", what, chain=chain) == {"height": height, "seqs": [1]}


def test_a_channel_end_is_described(ground: Playground) -> None:
    assert query(ground, "channel", "end") == {
        "state": "Open",
        "ordering": "Unordered",
        "remote": {"port_id": "transfer", "channel_id": "channel-0"},
        "connection_hops": ["connection-0"],
        "version": "ics20-1",
        "upgrade_sequence": 0,
    }
    ran = ground.hermes(
        "query", "channel", "end", "--chain", "alpha-1", "--port", "transfer", "--channel", "channel-99"
    )
    assert (ran.code, ran.result) == (1, "port 'transfer' & channel 'channel-99' does not exist")


def test_the_client_of_a_channel_is_described(ground: Playground) -> None:
    told = query(ground, "channel", "client")
    assert isinstance(told, dict)
    assert (told["client_id"], told["client_state"]["chain_id"]) == ("07-tendermint-0", "beta-1")
    assert told["client_state"]["trusting_period"] == {"secs": 1209600, "nanos": 0}


def test_channels_are_listed_with_and_without_their_other_end(ground: Playground) -> None:
    ran = ground.hermes("query", "channels", "--chain", "alpha-1")
    assert ran.result == [{"channel_id": "channel-0", "port_id": "transfer"}]
    ran = ground.hermes("query", "channels", "--chain", "alpha-1", "--show-counterparty")
    assert ran.result[0] == {
        "chain_id_a": "alpha-1",
        "port_a": "transfer",
        "channel_a": "channel-0",
        "chain_id_b": "beta-1",
        "port_b": "transfer",
        "channel_b": "channel-0",
    }
    assert ground.hermes("query", "channels", "--chain", "alpha-1", "--counterparty-chain", "gamma-1").result == []
    assert ground.hermes("query", "channels", "--chain", "nowhere-1").code == 1


def test_a_client_is_active_expired_frozen_or_missing(ground: Playground) -> None:
    ground.world.link("alpha-1", "beta-1", trusting_seconds=(1000, 30))
    words = ("query", "client", "status", "--chain", "beta-1", "--client")
    assert ground.hermes(*words, "07-tendermint-1").result == "Active"
    ground.world.step(40)
    assert ground.hermes(*words, "07-tendermint-1").result == "Expired"
    ground.world.chains["beta-1"].edit(lambda ctx: clients.freeze(ctx, "07-tendermint-0"))
    assert ground.hermes(*words, "07-tendermint-0").result == "Frozen"
    missing = ground.hermes(*words, "07-tendermint-9")
    assert (missing.code, missing.status) == (1, "error")
    assert "the client state was not found" in missing.result


def test_balances_are_told_as_text_numbers(ground: Playground) -> None:
    words = ("keys", "balance", "--chain", "alpha-1")
    assert ground.hermes(*words).result == {"amount": "1000000000000", "denom": "stake"}
    assert {row["denom"] for row in ground.hermes(*words, "--all").result} == {"stake", "token"}
    assert ground.hermes(*words, "--denom", "foo").result == {"amount": "0", "denom": "foo"}
    missing = ground.hermes(*words, "--key-name", "nosuch")
    assert missing.code == 1
    assert "there was a problem querying the balance: keyring error" in missing.result


def test_a_key_is_added_as_hermes_writes_it(ground: Playground, tmp_path: Path) -> None:
    phrase = tmp_path / "phrase"
    phrase.write_text(PHRASE + "\n", encoding="utf-8")
    words = ("keys", "add", "--chain", "alpha-1", "--key-name", "fresh", "--mnemonic-file", str(phrase))
    ran = ground.hermes(*words)
    # The account and the key that the real program made of this phrase.
    assert ran.result == "Restored key 'fresh' (cosmos19rl4cm2hmr8afy4kldpxz3fka4jguq0auqdal4) on chain alpha-1"
    fields = json.loads((ground.folder / "alpha-1" / "keyring-test" / "fresh.json").read_text(encoding="utf-8"))
    assert [*fields] == ["private_key", "public_key", "address", "address_type", "account"]
    assert (fields["address_type"], len(fields["address"])) == ("Cosmos", 20)
    assert ground.hermes(*words).result == "A key with name 'fresh' already exists"
    other = ground.hermes(*words, "--overwrite", "--hd-path", "m/44'/60'/0'/0/0")
    assert "cosmos1gsvdpdxec8hsu57lhxg5xem7refr233zu34d65" in other.result
    assert other.said("WARN") == ["key fresh will be overwritten"]


def test_a_key_name_with_a_dot_loses_what_stands_behind_it(ground: Playground, tmp_path: Path) -> None:
    phrase = tmp_path / "phrase"
    phrase.write_text(PHRASE, encoding="utf-8")
    ground.hermes("keys", "add", "--chain", "alpha-1", "--key-name", "a.b", "--mnemonic-file", str(phrase))
    assert (ground.folder / "alpha-1" / "keyring-test" / "a.json").is_file()


def test_keys_that_cannot_be_added_are_refused(ground: Playground, tmp_path: Path) -> None:
    words = tmp_path / "words"
    words.write_text("word word word", encoding="utf-8")
    add = ("keys", "add", "--chain", "alpha-1", "--key-name", "fresh")
    short = ground.hermes(*add, "--mnemonic-file", str(words))
    assert "invalid mnemonic: invalid number of words in phrase: 3" in short.result
    assert ground.hermes(*add, "--mnemonic-file", str(tmp_path / "none")).result.endswith(
        "error reading the mnemonic file"
    )
    assert "error encoding key" in ground.hermes(*add, "--key-file", str(words)).result
    wrong = ground.hermes(*add, "--mnemonic-file", str(words), "--hd-path", "x")
    assert wrong.result == "invalid derivation path: x"


@pytest.mark.parametrize(
    ("phrase", "why"), [(" ".join(["abandon"] * 12), "invalid checksum"), (" ".join(["bandon"] * 12), "invalid word")]
)
def test_a_phrase_with_a_slip_makes_no_key(ground: Playground, tmp_path: Path, phrase: str, why: str) -> None:
    file = tmp_path / "phrase"
    file.write_text(phrase, encoding="utf-8")
    ran = ground.hermes("keys", "add", "--chain", "alpha-1", "--key-name", "fresh", "--mnemonic-file", str(file))
    assert why in ran.result


def test_a_chains_own_key_export_is_taken(ground: Playground, tmp_path: Path) -> None:
    file = tmp_path / "seed"
    file.write_text(json.dumps({"name": "x", "mnemonic": PHRASE}), encoding="utf-8")
    ran = ground.hermes("keys", "add", "--chain", "alpha-1", "--key-name", "fresh", "--key-file", str(file))
    assert ran.result == "Added key 'fresh' (cosmos19rl4cm2hmr8afy4kldpxz3fka4jguq0auqdal4) on chain alpha-1"


def test_keys_are_listed_without_secrets_and_deleted(ground: Playground) -> None:
    secret = Key.of_name("daemon").secret.hex()
    listed = ground.hermes("keys", "list", "--chain", "alpha-1")
    assert secret not in json.dumps(listed.lines)
    assert [*listed.result] == ["daemon"]
    delete = ("keys", "delete", "--chain", "alpha-1", "--key-name", "daemon")
    assert ground.hermes(*delete).result == "Removed key (daemon) on chain alpha-1"
    assert "No such file or directory (os error 2)" in ground.hermes(*delete).result
    assert ground.hermes("keys", "delete", "--chain", "beta-1", "--all").result == "Removed all keys on chain beta-1"


@pytest.mark.parametrize("command", [("list",), ("delete", "--all")])
def test_keys_of_a_chain_that_is_not_configured_are_refused(ground: Playground, command: tuple[str, ...]) -> None:
    ran = ground.hermes("keys", *command[:1], "--chain", "nowhere-1", *command[1:])
    assert (ran.code, ran.result) == (1, "chain 'nowhere-1' not found in configuration file")


def test_health_is_told_in_the_log_and_never_by_the_exit_code(ground: Playground) -> None:
    ground.node_faults["alpha-1"].tx_index = False
    ran = ground.hermes("health-check")
    assert (ran.code, ran.result) == (0, "performed health check for all chains in the config")
    index, *_ = [said for said in ran.said("WARN") if said.startswith("reason")]
    assert index.startswith("reason: transaction indexing for chain 'alpha-1' is disabled")
    assert ran.said("INFO").count("performing health check...") == 2
    assert "chain is not healthy" in ran.said("WARN")


def test_a_node_of_another_chain_is_called_a_misconfiguration(ground: Playground) -> None:
    ground.node_faults["alpha-1"].chain_id = "gamma-1"
    (said,) = ground.hermes("health-check").said("ERROR")
    assert "reports network identifier to be 'gamma-1'" in said


def test_a_health_check_ends_at_a_chain_that_is_down(ground: Playground) -> None:
    ground.down.add("alpha-1")
    assert ground.hermes("health-check").code == 1


def test_test_traffic_is_sent(ground: Playground) -> None:
    place = ("--src-port", "transfer", "--src-channel", "channel-0")
    words = ("tx", "ft-transfer", "--dst-chain", "beta-1", "--src-chain", "alpha-1", *place, "--amount", "5")
    ran = ground.hermes(*words, "--denom", "token", "--timeout-seconds", "60", "--number-msgs", "2")
    assert [row["event"]["SendPacket"]["packet"]["sequence"] for row in ran.result] == [1, 2]
    assert ran.result[0]["height"]["revision_height"] <= ground.world.chains["alpha-1"].height
    assert ground.committed() == [1, 2]
    poor = ground.hermes(*words, "--timeout-seconds", "60")
    assert poor.code == 1
    assert "0samoleans is smaller than 5samoleans: insufficient funds" in poor.result
    closed = ground.hermes(*(word.replace("channel-0", "channel-99") for word in words))
    assert "is in state 'UNINITIALIZED'; expected 'open' state" in closed.result


def test_test_traffic_of_another_key_is_signed_by_it(ground: Playground) -> None:
    ground.add_key(ALPHA, "alice")
    place = ("--src-port", "transfer", "--src-channel", "channel-0", "--key-name", "alice")
    words = ("tx", "ft-transfer", "--dst-chain", "beta-1", "--src-chain", "alpha-1", *place, "--amount", "5")
    ran = ground.hermes(*words, "--denom", "token", "--timeout-height-offset", "100")
    data = bytes.fromhex(ran.result[0]["event"]["SendPacket"]["packet"]["data"])
    assert json.loads(data)["sender"] == Key.of_name("alice").address("cosmos")
