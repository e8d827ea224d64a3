"""What `relayclear packets` shows of a real network, against Hermes' own list and the chains' state."""

from __future__ import annotations

import hashlib
import re
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from tests.localnet import stick
from tests.localnet.commands import Relayclear
from tests.localnet.node import ALPHA, BETA

if TYPE_CHECKING:
    from pathlib import Path

    from tests.localnet.channels import Channel, End
    from tests.localnet.network import Network

# Clears the screen, renames the window, rings, turns the text round: what a sender may write into a packet.
HOSTILE = "\x1b[2J\x1b]0;owned\x07\x1b[31mcleared\u202egnihton\u202c\x9b2J\u2066\r\n\t\x00end"
_NEVER_RAW = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def test_list_agrees_with_hermes_on_every_channel_in_both_directions(expired_network: Network, tmp_path: Path) -> None:
    network = expired_network
    one, two = network.fresh_channel(), network.fresh_channel()
    stick.never_relayed(network, one)
    network.transfer(BETA, one.on(BETA), user="bob", count=2)
    stick.ack_missing(network, two)
    network.transfer(ALPHA, two.on(ALPHA), user="carol")
    stick.ordered(network, network.fresh_channel("ordered"))
    listed = Relayclear(network, tmp_path).list("--details", "none")
    assert listed.code == 0
    ends = [end for channel in network.channels for end in (channel.alpha, channel.beta)]
    with ThreadPoolExecutor(2) as pool:
        theirs = dict(zip(ends, pool.map(lambda end: _hermes_says(network, end), ends), strict=True))
    ours = {end: _we_say(listed.document["packets"], end) for end in ends}
    assert ours == theirs
    assert theirs[one.alpha] == ([1, 2, 3], [])
    assert theirs[one.beta] == ([1, 2], [])
    assert theirs[two.alpha] == ([2], [1])
    assert {(path["chain"], path["port"], path["channel"]) for path in listed.document["paths"]} == {
        (end.chain, end.port, end.channel) for end in ends
    }
    assert {path["status"] for path in listed.document["paths"]} == {"ok"}


def test_each_class_is_named_for_what_it_is(network: Network, channel: Channel, tmp_path: Path) -> None:
    here = channel.on(ALPHA)
    (held,) = stick.async_ack(network, channel)
    (half,) = stick.ack_missing(network, channel)
    (lost,) = network.transfer(ALPHA, here)
    (large,) = stick.oversized(network, channel)
    (barred,) = stick.excluded(network, channel)
    (late,) = stick.timed_out(network, channel, seconds=2)
    rows = Relayclear(network, tmp_path).list("--chain", ALPHA, "--channel", here).packets()
    assert {key[2]: _verdict(row) for key, row in rows.items()} == {
        held: ("async_ack", None, False),
        half: ("ack_missing", None, True),
        lost: ("stuck", None, True),
        large: ("stuck", "too_large", False),
        barred: ("stuck", "excluded", False),
        late: ("timed_out", None, True),
    }
    assert rows[ALPHA, here, large]["blocked"]["detail"] == "memo of 6000 bytes, Hermes relays up to 4096"
    # Worst first: what loses by waiting stands on top, what waits for nobody below.
    assert [key[2] for key in rows] == [late, *sorted({lost, large, barred}), half, held]


def test_young_packets_are_in_flight_and_need_nobody(network: Network, channel: Channel, tmp_path: Path) -> None:
    relayclear = Relayclear(network, tmp_path, stuck_after="5m")
    (sequence,) = network.transfer(ALPHA, channel.on(ALPHA))
    where = ("--chain", ALPHA, "--channel", channel.on(ALPHA))
    assert _verdict(relayclear.list(*where).packets()[ALPHA, channel.on(ALPHA), sequence]) == ("in_flight", None, True)
    attention = relayclear.run("packets", "list", *where, "--check")
    assert attention.code == 0
    assert attention.document["packets"] == []
    assert attention.document["paths"][0]["pending"] == 1
    assert attention.document["paths"][0]["stuck"] == 0


def test_dead_clients_are_the_reason_and_the_half_dead_path_still_delivers(
    expired_network: Network, tmp_path: Path
) -> None:
    network = expired_network
    rows = Relayclear(network, tmp_path).list("--chain", ALPHA).packets()
    dead, half = network.of_kind("expired").on(ALPHA), network.of_kind("half_expired").on(ALPHA)
    assert _verdict(rows[ALPHA, dead, 3]) == ("stuck", "client_expired", False)
    assert rows[ALPHA, dead, 3]["blocked"]["detail"] == "07-tendermint-1 on the destination chain is expired"
    assert _verdict(rows[ALPHA, half, 3]) == ("stuck", None, True)


def test_ordered_packets_are_behind_the_first(network: Network, tmp_path: Path) -> None:
    channel = network.fresh_channel("ordered")
    stick.ordered(network, channel)
    rows = Relayclear(network, tmp_path).list("--chain", BETA, "--channel", channel.on(BETA), "--port", "mock")
    verdicts = [_verdict(row) for row in rows.document["packets"]]
    assert verdicts == [("stuck", None, True), *[("stuck", "ordered_behind", False)] * 2]
    # Not ICS-20: what no transfer has stays unknown.
    first = rows.packets()[BETA, channel.on(BETA), 1]
    assert (first["sender"], first["coin"], first["memo"]) == (None, None, None)
    assert first["details_verified"] is True


def test_closed_far_end_is_read_as_timeout_on_close(network: Network, tmp_path: Path) -> None:
    channel = network.fresh_channel("mock")
    relayclear = Relayclear(network, tmp_path)
    # The topology is remembered while both ends are open.
    assert relayclear.run("channels").code == 0
    stick.timeout_on_close(network, channel)
    rows = relayclear.list("--chain", BETA, "--channel", channel.on(BETA), "--port", "mock").document["packets"]
    assert [_verdict(row) for row in rows] == [("timeout_on_close", None, True)]


def test_details_pages_and_filters(network: Network, channel: Channel, tmp_path: Path) -> None:
    here, relayclear = channel.on(ALPHA), Relayclear(network, tmp_path)
    alice, carol = network.address(ALPHA, "alice"), network.address(ALPHA, "carol")
    network.transfer(ALPHA, here, count=2, amount=12345678901)
    network.transfer(ALPHA, here, user="carol", denom="stake", amount=7, memo="for rent")
    where = ("--chain", ALPHA, "--channel", here)

    def sequences(*args: str) -> list[int]:
        return [row["sequence"] for row in relayclear.list(*where, *args).document["packets"]]

    first, _, third = relayclear.list(*where).document["packets"]
    assert first["coin"] == {"denom": "token", "amount": "12345678901"}
    assert (third["sender"], third["receiver"]) == (carol, network.address(BETA, "bob"))
    assert (third["memo"], third["coin"]) == ("for rent", {"denom": "stake", "amount": "7"})
    assert third["details_verified"] is True
    assert third["send_tx"] == network.chains[ALPHA].ask.tx(third["send_tx"])["hash"]
    bare = relayclear.list(*where, "--details", "none").document["packets"]
    assert [(row["class"], row["clearable"], row["sender"], row["send_tx"]) for row in bare] == [
        ("pending", None, None, None)
    ] * 3
    assert sequences("--wallet", carol) == [3]
    assert sequences("--filter", f"sender:{alice}") == [1, 2]
    assert sequences("--denom", "stake") == [3]
    assert sequences("--class", "timed_out") == []
    assert sequences("--age", ">1h") == []
    assert sequences("--age", "<1h", "--filter", "!sequence:2") == [1, 3]
    page = relayclear.list(*where, "--limit", "2", "--offset", "1", "--details", "all").document
    assert [row["sequence"] for row in page["packets"]] == [2, 3]
    assert page["page"] == {"limit": 2, "offset": 1, "total": 3, "has_next": False, "has_previous": True}


def test_voucher_on_its_way_home_is_shown_as_its_coin_and_the_way_it_came(
    network: Network, channel: Channel, tmp_path: Path
) -> None:
    here, there = channel.on(ALPHA), channel.on(BETA)
    network.clear(ALPHA, here, network.transfer(ALPHA, here, amount=70))
    carol = network.address(ALPHA, "carol")
    network.transfer(BETA, there, user="bob", receiver=carol, amount=30, denom=_voucher(there))
    relayclear = Relayclear(network, tmp_path)
    (row,) = relayclear.list("--chain", BETA, "--channel", there).document["packets"]
    assert row["coin"] == {"denom": f"transfer/{there}/token", "amount": "30"}
    assert row["denom"] == {"base": "token", "hops": [{"port": "transfer", "channel": there}]}
    story = relayclear.run("packets", "show", f"{BETA}/{there}/1", as_json=False)
    assert f"30 token ({there})" in story.stdout
    assert [one["sequence"] for one in relayclear.list("--denom", _voucher(there)).document["packets"]] == [1]


def test_story_of_a_pending_packet_ends_with_the_command_that_moves_it(
    network: Network, channel: Channel, tmp_path: Path
) -> None:
    here, relayclear = channel.on(ALPHA), Relayclear(network, tmp_path)
    network.transfer(ALPHA, here)
    story = relayclear.run("packets", "show", f"{ALPHA}/{here}/1")
    assert story.code == 0
    document = story.document
    assert document["pending"] is True
    assert document["result"] is None
    assert document["packet"]["class"] == "stuck"
    assert len(document["commitment"]) == 64
    assert {side["status"] for side in document["clients"].values()} == {"active"}
    assert document["fix"] == f"relayclear clear --chain {ALPHA} --channel {here} --packet-sequences 1"
    told = relayclear.run("packets", "show", f"{ALPHA}/{here}/1", as_json=False)
    assert told.code == 0
    assert told.stdout.rstrip().endswith(f"try: {document['fix']}")
    fixed = relayclear.run(*document["fix"].split()[1:], "--yes")
    assert fixed.code == 0
    done = relayclear.run("packets", "show", f"{ALPHA}/{here}/1").document
    assert (done["pending"], done["commitment"], done["fix"]) == (False, None, None)
    assert (done["result"]["fate"], done["result"]["by"]) == ("delivered", "us")
    assert done["packet"]["sender"] == network.address(ALPHA, "alice")
    assert [one["state"] for one in done["operations"]] == ["cleared"]
    assert done["operations"][0]["operation"] == fixed.document["operation"]
    unsent = relayclear.run("packets", "show", f"{ALPHA}/{here}/2")
    assert (unsent.code, unsent.error["code"]) == (4, "never_sent")


def test_muted_packets_wake_nobody_until_their_class_changes(
    network: Network, channel: Channel, tmp_path: Path
) -> None:
    here, relayclear = channel.on(ALPHA), Relayclear(network, tmp_path)
    network.transfer(ALPHA, here, count=2)
    check = ("packets", "list", "--check", "--chain", ALPHA, "--channel", here)
    assert relayclear.run(*check).code == 10
    assert relayclear.run("packets", "mute", f"{ALPHA}/{here}/1", "--reason", "gov #12").code == 0
    assert relayclear.run(*check).code == 10
    assert relayclear.run("packets", "mute", f"{ALPHA}/{here}/2", "--reason", "gov #13", "--until", "7d").code == 0
    quiet = relayclear.run(*check)
    assert quiet.code == 0
    assert quiet.document["packets"] == []
    assert [(path["pending"], path["stuck"], path["muted"]) for path in quiet.document["paths"]] == [(2, 0, 2)]
    muted = relayclear.run("packets", "list", "--muted", "--chain", ALPHA, "--channel", here).document["packets"]
    assert [(row["sequence"], row["muted"]["reason"]) for row in muted] == [(1, "gov #12"), (2, "gov #13")]
    network.recv_only(ALPHA, here, [1])
    changed = relayclear.run(*check)
    assert changed.code == 10
    assert [(row["sequence"], row["class"]) for row in changed.document["packets"]] == [(1, "ack_missing")]
    assert relayclear.run("packets", "unmute", f"{ALPHA}/{here}/2").code == 0
    assert [row["sequence"] for row in relayclear.run(*check).document["packets"]] == [2, 1]


@pytest.mark.parametrize("size", [100, 30_000])
def test_hostile_memo_and_receiver_reach_no_terminal_raw_and_every_program_exactly(
    network: Network, channel: Channel, tmp_path: Path, size: int
) -> None:
    here, relayclear = channel.on(ALPHA), Relayclear(network, tmp_path)
    memo = HOSTILE + "m" * (size - len(HOSTILE.encode()))
    network.transfer(ALPHA, here, memo=memo, receiver=HOSTILE)
    (row,) = relayclear.list("--chain", ALPHA, "--channel", here).document["packets"]
    assert (row["memo"], row["receiver"]) == (memo, HOSTILE)
    assert row["details_verified"] is True
    assert _verdict(row) == (("stuck", None, True) if size == 100 else ("stuck", "too_large", False))
    assert relayclear.run("packets", "show", f"{ALPHA}/{here}/1").document["packet"]["memo"] == memo
    where = ("--chain", ALPHA, "--channel", here)
    for words in (
        ("packets", "list", *where),
        ("packets", "show", f"{ALPHA}/{here}/1"),
        ("clear", *where, "--packet-sequences", "1", "--dry-run"),
        ("clear", *where, "--packet-sequences", "1", "--yes"),
        ("packets", "show", f"{ALPHA}/{here}/1"),
        ("operations", "list"),
    ):
        text = relayclear.run(*words, as_json=False)
        assert not _NEVER_RAW.search(text.stdout), words
        assert not _NEVER_RAW.search(text.stderr), words
        assert not any(line.startswith("end") for line in text.stdout.splitlines()), words
        assert len(text.stdout) < 4000


def _hermes_says(network: Network, end: End) -> tuple[list[int], list[int]]:
    pending = network.pending(end.chain, end.channel, end.port)
    return pending.unreceived_packets, pending.unreceived_acks


def _we_say(rows: list[dict[str, Any]], end: End) -> tuple[list[int], list[int]]:
    mine = [row for row in rows if (row["chain"], row["port"], row["channel"]) == (end.chain, end.port, end.channel)]
    acks = [row["sequence"] for row in mine if row["class"] == "ack_missing"]
    # What is received without an acknowledgement is in nobody's hands; Hermes leaves it out of its list.
    packets = [row["sequence"] for row in mine if row["class"] not in {"ack_missing", "async_ack"}]
    return sorted(packets), sorted(acks)


def _voucher(channel: str) -> str:
    return f"ibc/{hashlib.sha256(f'transfer/{channel}/token'.encode()).hexdigest().upper()}"


def _verdict(row: dict[str, Any]) -> tuple[str, str | None, bool | None]:
    return row["class"], row["blocked"]["reason"] if row["blocked"] else None, row["clearable"]
