"""Pages for people: aligned, never wider than the screen, hostile text harmless, meaning without colour."""

from __future__ import annotations

import os
import signal
import unicodedata
from dataclasses import replace

import pytest
from rich.cells import cell_len

from relayclear.cli.output import Exit
from relayclear.errors import NodeError
from relayclear.ibc.packet import Ordering, PacketKey, SequenceRanges
from relayclear.ibc.readings import RelayRules
from relayclear.ibc.relayer import NODE_AWAY, ClearJob, RelayRun
from relayclear.ibc.topology import ClientStatus
from relayclear.rehearsal.transfer import HOLD_MEMO
from tests.cli.conftest import Cli, Said, agrees
from tests.fakes import relayer as hermes
from tests.fakes.relayer import FakeRelayer, Progress
from tests.fakes.rig import STUCK_AFTER, Rig

ONE = ("clear", "--chain", "alpha-1", "--channel", "channel-0", "--packet-sequences")


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize(
    ("name", "argv"),
    [
        ("packets-list", "packets list --all"),
        ("packets-list-page", "packets list --all --limit 2 --offset 2"),
        ("packets-list-nothing", "packets list --class timeout_on_close"),
        ("packets-show", "packets show alpha-1/channel-0/1"),
        ("packets-show-hostile", "packets show alpha-1/channel-0/5"),
        ("packets-show-ordered", "packets show alpha-1/icahost/channel-1/1"),
        ("chains", "chains"),
        ("channels", "channels"),
        ("clear-plan", "clear --chain alpha-1 --channel channel-0 --packet-sequences 1..3,6 --dry-run"),
    ],
)
def test_a_page_keeps_its_letters_and_its_width(cli: Cli, busy: Rig, name: str, argv: str, width: int) -> None:
    del busy
    said = cli(*argv.split(), width=width)
    assert (said.code, said.err) == (0, "")
    harmless(said)
    assert agrees(f"{name}-{width}.txt", said.out)
    if "show" not in argv and "clear" not in argv:
        assert max(cell_len(line) for line in said.lines) <= width


def harmless(said: Said) -> None:
    """Nothing that a terminal obeys or hides."""
    letters = said.text.replace("\n", "")
    assert not {letter for letter in letters if unicodedata.category(letter) in {"Cc", "Cf", "Cs", "Co"}}


def test_a_pipe_without_a_width_loses_no_letter(cli: Cli, busy: Rig) -> None:
    del busy
    said = cli("packets", "list", "--all")
    assert "alpha-1/icahost/channel-1/1" in said.text
    assert f"{10**30} transfer" not in said.text
    assert f"{10**30} uatom" in said.text


def test_a_clear_as_people_see_it(cli: Cli, busy: Rig) -> None:
    del busy
    said = cli(*ONE, "1..3", "--yes", width=120)
    assert said.code == Exit.DONE
    assert agrees("clear-120.txt", said.out)
    assert agrees("clear-talk.txt", said.err.encode())
    assert agrees("operations-120.txt", cli("operations", "list", width=120).out)
    assert agrees("operation-120.txt", cli("operations", "show", "op-", width=120).out)
    assert agrees("packets-show-done-120.txt", cli("packets", "show", "alpha-1/channel-0/2", width=120).out)


def test_a_clear_of_many_as_people_see_it(cli: Cli, busy: Rig) -> None:
    busy.world.send(busy.source, timeout_seconds=0)
    said = cli("clear", "--filter", "chain:alpha-1", "--max-fee", "9000stake,9000ubeta", "--yes", width=120)
    assert said.code == Exit.DONE
    assert "left out alpha-1/channel-0/4: nothing to relay" in said.err
    assert agrees("clear-many-120.txt", said.out)


def test_a_surplus_and_a_complaint_are_told_in_words(cli: Cli, rig: Rig) -> None:
    rig.stuck(count=2)

    async def meddles(relayer: FakeRelayer, job: ClearJob, progress: Progress) -> RelayRun:
        run = await hermes.touches_the_next_one_too(relayer, job, progress)
        return RelayRun(
            **{name: getattr(run, name) for name in run.__slots__} | {"complaints": ("out of \x1b[31mgas",)}
        )

    rig.relayer.scenarios = [meddles]
    said = cli(*ONE, "1", "--yes")
    assert said.code == Exit.FAILED
    assert "✗ Hermes also touched alpha-1/channel-0/2, which was not asked for" in said.text
    shown = cli("operations", "show", "op-")
    assert "Hermes: out of gas" in shown.text


def test_failed_paths_are_named_and_nothing_is_called_fine(cli: Cli, rig: Rig) -> None:
    rig.stuck()
    cli("packets", "list")
    rig.beta.down = NodeError("connection refused")
    said = cli("packets", "list", width=80)
    assert said.code == Exit.UNREACHABLE
    assert "✗ beta-1 could not be read: connection refused" in said.lines
    assert "Nothing stuck" not in said.text
    rig.beta.down = NodeError("beta-1: http://b refused the connection")
    assert "✗ beta-1 could not be read: http://b refused the connection" in cli("packets", "list").lines
    assert "✗ beta-1: http://b refused the connection" in cli("chains").lines
    assert "✗ beta-1 could not be read: http://b refused the connection" in cli("channels").lines
    rig.alpha.down = NodeError("connection refused too")
    assert "no height was read" in cli("packets", "list").text
    assert cli("chains").text.count("✗") == 2
    assert cli("channels").code == Exit.UNREACHABLE


def test_one_failed_channel_is_named(cli: Cli, rig: Rig) -> None:
    rig.alpha.failing[rig.source] = NodeError("half a JSON")
    assert "✗ alpha-1/channel-0 could not be read: half a JSON" in cli("packets", "list").lines


def test_meaning_never_hangs_on_colour(cli: Cli, busy: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    del busy
    plain = cli("packets", "list", "--all", "--color", "never", width=120)
    coloured = cli("packets", "list", "--all", "--color", "always", width=120)
    assert "\x1b[" in coloured.text
    assert "\x1b[" not in plain.text
    assert plain.out == cli("packets", "list", "--all", width=120).out
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[3" not in cli("packets", "list", "--all", width=120).text


def test_a_blocked_packet_and_a_half_dead_path_say_what_stands_in_the_way(cli: Cli, rig: Rig) -> None:
    rig.stuck()
    rig.world.set_client(rig.source, ClientStatus.EXPIRED)
    assert (
        "Before clearing: 07-tendermint-0 on the source chain is expired"
        in cli("packets", "show", "alpha-1/channel-0/1").text
    )
    assert "07-tendermint-0 expired" in cli("channels").text
    rig.world.set_client(rig.far, ClientStatus.FROZEN)
    said = cli("packets", "show", "alpha-1/channel-0/1")
    assert "blocked: client_frozen" in said.text
    assert "relayclear clear" not in said.text
    assert "●" in cli("packets", "list").text


def test_details_that_do_not_fit_are_not_shown_as_truth(cli: Cli, rig: Rig) -> None:
    rig.stuck()
    rig.alpha.lies.add(1)
    assert "does NOT fit the commitment on chain" in cli("packets", "show", "alpha-1/channel-0/1").text
    rig.alpha.lost.add(1)
    assert "unknown: alpha-1/channel-0/1: no transaction found" in cli("packets", "show", "alpha-1/channel-0/1").text


def test_channels_that_lie_are_told_apart(cli: Cli, rig: Rig) -> None:
    rig.world.connect("alpha-1", "beta-1", ordering=Ordering.ORDERED)
    rig.world.write("beta-1", "ibc:connections/connection-1", None)
    said = cli("channels")
    assert "! alpha-1/channel-1 claims to lead to beta-1" in said.text
    assert "2 paths." in said.text


def test_a_person_is_asked_before_gas_is_spent(cli: Cli, rig: Rig) -> None:
    rig.stuck()
    said = cli(*ONE, "1", typed="n\n")
    assert said.code == Exit.REFUSED
    assert "at most 4001 stake a transaction" in said.text
    assert rig.relayer.jobs == []
    assert cli(*ONE, "1", typed="y\n").code == Exit.DONE
    assert rig.pending() == []


def test_ctrl_d_at_the_question_starts_nothing(cli: Cli, rig: Rig) -> None:
    rig.stuck()
    assert cli(*ONE, "1", typed="").code == Exit.INTERRUPTED
    assert rig.relayer.jobs == []


def test_nothing_to_clear_asks_nobody(cli: Cli, rig: Rig) -> None:
    (key,) = rig.stuck()
    rig.world.relay(key)
    said = cli(*ONE, "1")
    assert said.code == Exit.DONE
    assert "nothing to do" in said.text


def test_ctrl_c_in_the_middle_of_a_clear_ends_the_run_and_looks_at_the_chains(cli: Cli, rig: Rig) -> None:
    rig.stuck()

    async def pressed(relayer: FakeRelayer, job: ClearJob, _: Progress) -> RelayRun:
        os.kill(os.getpid(), signal.SIGINT)
        await relayer.stopped.wait()
        return hermes.ran(job, exit_code=None)

    rig.relayer.scenarios = [pressed]
    said = cli(*ONE, "1", "--yes", "--json")
    assert said.code == Exit.INTERRUPTED
    assert said.document["state"] == "unknown"
    assert "stopping" in said.err
    # What was left in doubt names the command that settles it, and it does.
    again = f"relayclear operations show {said.document['operation']}"
    assert f"try: {again}" in cli("operations", "list").text
    assert f"try: {again}" in cli(*again.split()[1:]).text
    rig.world.relay(PacketKey(*rig.source, 1))
    assert "delivered" in cli(*again.split()[1:]).text
    assert "unknown" not in cli("operations", "list").text


def test_a_clear_whose_hermes_has_no_node_says_which_and_what_to_do(cli: Cli, rig: Rig) -> None:
    rig.stuck()

    async def finds_no_node(_: FakeRelayer, job: ClearJob, __: Progress) -> RelayRun:
        away = f"{NODE_AWAY} alpha-1, http://127.0.0.1:9: Connection refused"
        return replace(hermes.ran(job, exit_code=1), complaints=("RPC error to endpoint http://127.0.0.1:9/ …", away))

    rig.relayer.scenarios = [finds_no_node]
    said = cli(*ONE, "1", "--yes")
    assert "still pending: Hermes can't reach its own node of alpha-1, http://127.0.0.1:9" in said.text
    assert "try: mend that node, or set rpc_addr in Hermes' config to one that answers" in said.text
    assert "RPC error to endpoint" not in said.text + said.err


def test_an_answer_that_is_neither_yes_nor_no_is_an_error_like_others_and_asked_again(cli: Cli, rig: Rig) -> None:
    rig.stuck()
    said = cli(*ONE, "1", typed="maybe\nYES\n")
    assert said.code == Exit.DONE
    assert "relayclear: 'maybe' is neither yes nor no\n  try: y, or n; enter alone is no\n" in said.err
    assert cli(*ONE, "1", typed="nope\n\n").code == Exit.DONE


def test_packets_too_young_for_the_list_are_not_kept_from_whoever_looks_for_them(cli: Cli, rig: Rig) -> None:
    rig.world.send(rig.source)
    said = cli("packets", "list").text
    assert "Nothing stuck on 2 paths." in said
    assert "1 more in flight, not stuck yet: --all shows it" in said
    rig.stuck()
    rig.world.send(rig.source)
    rig.world.send(rig.source)
    assert "2 more in flight, not stuck yet: --all shows them" in cli("packets", "list").text
    for options in (["--all"], ["--muted"], ["--chain", "beta-1"], ["--denom", "stake"]):
        assert "more in flight" not in cli("packets", "list", *options).text


def advised(cli: Cli, key: PacketKey) -> str:
    """What the page of a packet says that can be done, on one line."""
    said = " ".join(cli("packets", "show", str(key), width=80).text.split())
    return said.partition(" try: ")[2]


def test_a_packet_that_no_clear_moves_says_what_can_be_done_with_a_command(cli: Cli, rig: Rig) -> None:
    ordered = rig.world.connect("alpha-1", "beta-1", ordering=Ordering.ORDERED)[0]
    (first, held) = rig.world.send(rig.source), rig.world.send(rig.source, memo=HOLD_MEMO)
    rig.clock.step(STUCK_AFTER)
    rig.world.deliver(held)
    rig.clock.step(STUCK_AFTER)
    assert advised(cli, held) == (
        f"wait, or ask who runs that application on beta-1; look again: relayclear packets show {held}"
    )
    _, behind = rig.stuck(ordered, 2)
    assert advised(cli, behind) == (
        "clear the ones before it too: relayclear clear --chain alpha-1"
        f" --channel {ordered.channel} --packet-sequences 1..2"
    )
    rig.relayer.rules_of["alpha-1"] = RelayRules({first.channel: SequenceRanges.of([first.sequence])}, 32768, 2048)
    assert advised(cli, first).endswith(
        "; then: relayclear clear --chain alpha-1 --channel channel-0 --packet-sequences 1"
    )


def test_watching_ends_with_ctrl_c_after_a_whole_page(cli: Cli, rig: Rig) -> None:
    rig.stuck()
    rig.alpha.heard = lambda what: os.kill(os.getpid(), signal.SIGINT) if what == "head" else None
    said = cli("packets", "list", "--watch", "--json")
    assert said.code == Exit.INTERRUPTED
    assert len(said.document["packets"]) == 1
    page = cli("packets", "list", "--watch")
    assert page.code == Exit.INTERRUPTED
    assert (said.err, page.err) == ("", "")
    assert "1 needs attention; 2 paths looked at." in page.text


def test_mutes_are_told_and_taken_back(cli: Cli, rig: Rig) -> None:
    rig.stuck(count=2)
    assert (
        "muted alpha-1/channel-0/1: 1 pending there counts apart"
        in cli("packets", "mute", "alpha-1/channel-0/1", "--reason", "gov #12").text
    )
    assert "1 needs attention; 2 paths looked at, 1 muted." in cli("packets", "list").text
    assert "muted: gov #12" in cli("packets", "list", "--muted", width=200).text
    assert cli("packets", "unmute", "alpha-1/channel-0").text == "1 mute of alpha-1/channel-0 ended\n"
    again = cli("packets", "unmute", "alpha-1/channel-0")
    assert (again.code, again.text) == (Exit.FAILED, "0 mutes of alpha-1/channel-0 ended\n")
    assert "No muted packets" in cli("packets", "list", "--muted").text


def test_no_clears_yet_is_said(cli: Cli) -> None:
    assert cli("operations", "list").text == "No clears yet.\n"


def test_a_page_past_the_end_does_not_say_that_nothing_is_stuck(cli: Cli, busy: Rig) -> None:
    del busy
    said = cli("packets", "list", "--limit", "3", "--offset", "50", "--check")
    assert said.code == Exit.FOUND
    assert said.lines[0] == "No packets on this page: there are 5, and --offset 50 is past them."
    assert "5 need attention" in said.text
    assert "Nothing stuck" not in said.text


def test_classes_that_were_not_read_are_told_apart_from_those_that_are_fine(cli: Cli, rig: Rig) -> None:
    rig.stuck(count=3)
    rig.clock.step(3000)
    first = cli("packets", "list", "--details", "none")
    assert "3 pending, classes not read: --details shown; 2 paths looked at." in first.lines
    assert " 0s " not in first.text
    assert " ?  alpha-1/channel-0/1" in first.text
    rig.clock.step(400)
    assert " >6m  alpha-1/channel-0/1" in cli("packets", "list", "--details", "none").text


def test_what_lies_beyond_a_page_is_not_counted_as_fine(cli: Cli, rig: Rig) -> None:
    rig.stuck(count=40)
    assert (
        "20 need attention, 20 pending, classes not read: --details all" in cli("packets", "list", "--limit", "20").text
    )
    assert "1 of those that match needs attention" in cli("packets", "list", "--filter", "sequence:1").text


def test_what_was_known_of_unread_paths_is_told_with_its_age_and_then_as_unknown(cli: Cli, rig: Rig) -> None:
    rig.stuck(count=2)
    cli("packets", "list")
    rig.beta.down = NodeError("beta-1: it hangs")
    rig.clock.step(600)
    said = cli("packets", "list")
    assert said.code == Exit.UNREACHABLE
    assert "  2 pending on 2 unread paths at the last good look, 10m ago" in said.lines
    rig.clock.step(7200)
    assert "  nothing is known of 2 paths: no good look within two hours" in cli("packets", "list").lines
