"""Every command of Hermes that relayclear or its users run, with its failures."""

from __future__ import annotations

import json
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

from tests.localnet.channels import Channel
from tests.localnet.node import ALPHA, BETA
from tests.parity import wires
from tests.parity.registry import case
from tests.parity.scenes import clear, failing, relayed
from tests.parity.side import Side

# The phrase of BIP-39's first test vector; worth nothing anywhere.
PHRASE = "abandon " * 11 + "about"


def untouched(side: Side) -> Channel:
    """A channel nothing is ever sent on."""
    return side.fresh_channel()


def _pending(side: Side, chain: str, channel: str, port: str = "transfer") -> Any:
    return side.hermes("query", "packet", "pending", "--chain", chain, "--port", port, "--channel", channel)


def _relay(side: Side, command: str, sequences: str, *, key: str = "daemon", channel: str = "") -> Any:
    """`tx packet-recv` or `packet-ack` for packets that alpha-1 sent."""
    relay = side.scene(relayed).channel
    recv = command == "packet-recv"
    source, target = (ALPHA, BETA) if recv else (BETA, ALPHA)
    where = ("--dst-chain", target, "--src-chain", source, "--src-port", "transfer")
    chosen = ("--src-channel", channel or relay.end(source).channel, "--packet-sequences", sequences)
    return side.hermes("tx", command, *where, *chosen, key=key)


def _sent(side: Side, **transfer: Any) -> Channel:
    """A channel of its own with one packet from alpha-1."""
    channel, purse = side.fresh_channel(), side.purse()
    side.commit(ALPHA, purse, wires.transfer(purse.address, channel.alpha, wires.STRANGER, **transfer))
    return channel


# Talk


@case
def hermes_version(side: Side) -> Any:
    return _spoken(side.run_hermes("version"))


@case
def hermes_version_as_json(side: Side) -> Any:
    return side.hermes("version")


@case
def hermes_without_a_command(side: Side) -> Any:
    return side.run_hermes().returncode


@case
def hermes_with_an_unknown_command(side: Side) -> Any:
    return _misused(side.run_hermes("nonsense"))


@case
def hermes_with_an_unknown_flag(side: Side) -> Any:
    return _misused(side.run_hermes("clear", "packets", "--nonsense"))


@case
def hermes_with_missing_flags(side: Side) -> Any:
    return _misused(side.run_hermes("clear", "packets", "--chain", ALPHA))


@case
def hermes_with_sequences_that_are_none(side: Side) -> Any:
    where = ("--chain", ALPHA, "--port", "transfer", "--channel", "channel-0")
    return _misused(side.run_hermes("clear", "packets", *where, "--packet-sequences", "1-3"))


@case
def hermes_without_its_config(side: Side) -> Any:
    return side.hermes("health-check", config=side.folder / "nowhere.toml")


@case
def hermes_with_a_config_that_is_no_toml(side: Side) -> Any:
    return side.hermes("health-check", config=_config(side, "[global"))


@case
def hermes_with_a_config_that_has_an_unknown_key(side: Side) -> Any:
    text = side.hermes_config.read_text(encoding="utf-8")
    done = side.hermes("health-check", config=_config(side, f"nonsense = 1\n{text}"))
    return {**done, "stderr": done["stderr"].splitlines()[0]}


@case
def hermes_health_check(side: Side) -> Any:
    return side.hermes("health-check")


@case
def hermes_health_check_of_a_chain_that_is_down(side: Side) -> Any:
    text = side.hermes_config.read_text(encoding="utf-8").replace(side.rpc[BETA], "http://127.0.0.1:1")
    return side.hermes("health-check", config=_config(side, text))


@case
def hermes_config_validate(side: Side) -> Any:
    return side.hermes("config", "validate")


# Pending


@case
def hermes_pending(side: Side) -> Any:
    return _pending(side, ALPHA, side.scene(relayed).channel.alpha.channel)


@case
def hermes_pending_from_the_other_end(side: Side) -> Any:
    return _pending(side, BETA, side.scene(relayed).channel.beta.channel)


@case
def hermes_pending_with_nothing_there(side: Side) -> Any:
    return _pending(side, ALPHA, side.scene(untouched).alpha.channel)


@case
def hermes_pending_over_a_dead_client(side: Side) -> Any:
    return _pending(side, ALPHA, side.of_kind("expired").alpha.channel)


@case
def hermes_pending_of_a_channel_nobody_opened(side: Side) -> Any:
    return _pending(side, ALPHA, "channel-999")


@case
def hermes_pending_of_a_chain_nobody_configured(side: Side) -> Any:
    return _pending(side, "gamma-1", "channel-0")


@case
def hermes_pending_of_a_port_nobody_has(side: Side) -> Any:
    return _pending(side, ALPHA, "channel-0", "nothing")


# Clearing


@case
def hermes_clears_one(side: Side) -> Any:
    return clear(side, ALPHA, _sent(side), "1")


@case
def hermes_clears_what_newer_chains_sent(side: Side) -> Any:
    return side.scene(relayed).hermes["clear"]


@case
def hermes_clears_a_lost_and_a_late_one(side: Side) -> Any:
    return side.scene(failing).hermes[ALPHA]


@case
def hermes_clears_a_lost_and_a_late_one_of_a_newer_chain(side: Side) -> Any:
    return side.scene(failing).hermes[BETA]


@case
def hermes_clears_what_was_cleared(side: Side) -> Any:
    return clear(side, BETA, side.scene(relayed).channel, "1")


@case
def hermes_clears_what_was_never_sent(side: Side) -> Any:
    return clear(side, ALPHA, side.scene(relayed).channel, "77")


@case
def hermes_clears_a_channel_without_packets(side: Side) -> Any:
    end = side.scene(untouched).alpha
    return side.hermes("clear", "packets", "--chain", ALPHA, "--port", "transfer", "--channel", end.channel)


@case
def hermes_clears_over_a_dead_client(side: Side) -> Any:
    return clear(side, ALPHA, side.of_kind("expired"), "1")


@case
def hermes_clears_with_a_key_that_has_no_account(side: Side) -> Any:
    return clear(side, ALPHA, side.scene(relayed).channel, "3", key="pauper")


@case
def hermes_clears_with_a_key_that_is_not_there(side: Side) -> Any:
    text = side.hermes_config.read_text(encoding="utf-8").replace("key_name = 'daemon'", "key_name = 'nosuchkey'")
    end = side.scene(relayed).channel.alpha
    where = ("--chain", ALPHA, "--port", end.port, "--channel", end.channel, "--packet-sequences", "3")
    return side.hermes("clear", "packets", *where, config=_config(side, text))


@case
def hermes_clears_a_chain_nobody_configured(side: Side) -> Any:
    where = ("--chain", "gamma-1", "--port", "transfer", "--channel", "channel-0")
    return side.hermes("clear", "packets", *where, "--packet-sequences", "1")


@case
def hermes_clears_a_channel_nobody_opened(side: Side) -> Any:
    where = ("--chain", ALPHA, "--port", "transfer", "--channel", "channel-999")
    return side.hermes("clear", "packets", *where, "--packet-sequences", "1")


@case
def hermes_clears_on_a_chain_that_is_down(side: Side) -> Any:
    text = side.hermes_config.read_text(encoding="utf-8").replace(side.rpc[BETA], "http://127.0.0.1:1")
    end = side.scene(relayed).channel.alpha
    where = ("--chain", ALPHA, "--port", end.port, "--channel", end.channel, "--packet-sequences", "3")
    return side.hermes("clear", "packets", *where, config=_config(side, text))


@case
def hermes_leaves_excluded_packets_alone(side: Side) -> Any:
    channel = side.scene(relayed).channel
    side.configure(excluded={ALPHA: {channel.alpha.channel: [3]}})
    try:
        return clear(side, ALPHA, channel, "3")
    finally:
        side.configure(excluded={})


@case
def hermes_leaves_long_memos_alone(side: Side) -> Any:
    return clear(side, ALPHA, _sent(side, memo="m" * 6000), "1")


@case
def hermes_has_no_gas_left_to_use(side: Side) -> Any:
    text = side.hermes_config.read_text(encoding="utf-8")
    text = text.replace("max_gas = 10000000", "max_gas = 1000").replace("default_gas = 300000", "default_gas = 1000")
    end = side.scene(relayed).channel.alpha
    where = ("--chain", ALPHA, "--port", end.port, "--channel", end.channel, "--packet-sequences", "3")
    return side.hermes("clear", "packets", *where, config=_config(side, text))


# One step


@case
def hermes_delivers(side: Side) -> Any:
    return side.scene(relayed).hermes["recv"]


@case
def hermes_delivers_what_was_delivered(side: Side) -> Any:
    return _relay(side, "packet-recv", "1..2")


@case
def hermes_delivers_what_was_never_sent(side: Side) -> Any:
    return _relay(side, "packet-recv", "77")


@case
def hermes_delivers_with_a_key_that_has_no_account(side: Side) -> Any:
    return _relay(side, "packet-recv", "3", key="pauper")


@case
def hermes_delivers_over_a_channel_nobody_opened(side: Side) -> Any:
    return _relay(side, "packet-recv", "3", channel="channel-999")


@case
def hermes_brings_an_acknowledgement(side: Side) -> Any:
    return side.scene(relayed).hermes["ack"]


@case
def hermes_brings_an_acknowledgement_again(side: Side) -> Any:
    return _relay(side, "packet-ack", "1")


@case
def hermes_brings_an_acknowledgement_nobody_wrote(side: Side) -> Any:
    return _relay(side, "packet-ack", "3")


# Keys


def _add(side: Side, name: str, *args: str, phrase: str = PHRASE, chain: str = ALPHA) -> Any:
    file = side.new_folder() / "phrase"
    file.write_text(phrase, encoding="utf-8")
    text = side.hermes_config.read_text(encoding="utf-8").replace(str(_keys(side)), str(side.folder / "more-keys"))
    flags = ("--chain", chain, "--key-name", name, "--mnemonic-file", str(file))
    return side.hermes("keys", "add", *flags, *args, config=_config(side, text))


@case
def hermes_adds_a_key(side: Side) -> Any:
    added = _add(side, "added")
    kept = json.loads((side.folder / "more-keys" / ALPHA / "keyring-test" / "added.json").read_text(encoding="utf-8"))
    return {"added": added, "kept": {**kept, "private_key": len(kept["private_key"])}}


@case
def hermes_adds_a_key_that_is_there(side: Side) -> Any:
    _add(side, "twice")
    return _add(side, "twice")


@case
def hermes_adds_a_key_over_another(side: Side) -> Any:
    _add(side, "over")
    return _add(side, "over", "--overwrite")


@case
def hermes_adds_a_key_on_another_path(side: Side) -> Any:
    return _add(side, "path", "--hd-path", "m/44'/60'/0'/0/0")


@case
def hermes_adds_a_key_from_words_that_are_none(side: Side) -> Any:
    return _add(side, "words", phrase="these are no words of any list at all and never were")


@case
def hermes_adds_a_key_from_a_phrase_with_a_slip(side: Side) -> Any:
    return _add(side, "slip", phrase="abandon " * 12)


@case
def hermes_adds_a_key_for_a_chain_nobody_configured(side: Side) -> Any:
    return _add(side, "chain", chain="gamma-1")


@case
def hermes_adds_a_key_from_no_file(side: Side) -> Any:
    flags = ("--chain", ALPHA, "--key-name", "file", "--mnemonic-file", str(side.folder / "nowhere"))
    return side.hermes("keys", "add", *flags)


def _keys(side: Side) -> Path:
    return side.hermes_config.parent / "keys"


def _config(side: Side, text: str) -> Path:
    file = side.new_folder() / "hermes.toml"
    file.write_text(text, encoding="utf-8")
    return file


def _spoken(done: CompletedProcess[str]) -> Any:
    return {"exit": done.returncode, "stdout": done.stdout, "stderr": done.stderr}


def _misused(done: CompletedProcess[str]) -> Any:
    """How wrong usage ends: the exit code and what clap calls the error, without its help."""
    return {"exit": done.returncode, "stdout": done.stdout, "stderr": done.stderr.splitlines()[:4]}
