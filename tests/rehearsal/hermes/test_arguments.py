"""The command line: what is taken, and what is said of what isn't (texts of the real program)."""

from __future__ import annotations

import pytest

from relayclear.rehearsal.hermes.arguments import HelpWanted, UsageError, parse
from relayclear.rehearsal.hermes.commands import COMMANDS, GENERAL
from relayclear.rehearsal.hermes.sequences import LAST, collated, excluded_ranges, parse_range, within

PLACE = ("--chain", "alpha-1", "--port", "transfer", "--channel", "channel-0")


def refused(*words: str) -> str:
    with pytest.raises(UsageError) as said:
        parse(words, COMMANDS, GENERAL)
    return str(said.value)


def test_flags_stand_before_and_behind_the_command() -> None:
    words = ("--config", "/x", "--json", "clear", "packets", *PLACE, "--packet-sequences", "1,10..20")
    parsed = parse(words, COMMANDS, GENERAL)
    assert (parsed.globals["config"], parsed.globals["json"]) == ("/x", True)
    assert parsed.values["packet_sequences"] == [(1, 1), (10, 20)]
    assert (parsed.values["channel"], parsed.values["key_name"]) == ("channel-0", None)


def test_channels_may_be_named_shortly_and_values_joined() -> None:
    words = ("clear", "packets", "--chain=alpha-1", "--port=transfer", "--chan", "channel-7")
    assert parse(words, COMMANDS, GENERAL).values["channel"] == "channel-7"


def test_missing_flags_are_listed() -> None:
    assert refused("clear", "packets") == (
        "error: The following required arguments were not provided:\n"
        "    --chain <CHAIN_ID>\n    --port <PORT_ID>\n    --channel <CHANNEL_ID>\n\n"
        "USAGE:\n    hermes clear packets [OPTIONS] --chain <CHAIN_ID> --port <PORT_ID> --channel <CHANNEL_ID>\n\n"
        "For more information try --help"
    )


def test_an_unknown_flag_is_named() -> None:
    said = refused("clear", "packets", "--nonsense")
    assert said.startswith(
        "error: Found argument '--nonsense' which wasn't expected, or isn't valid in this context\n\n"
    )
    assert "use `-- --nonsense`" in said


@pytest.mark.parametrize("bad", ["1-3", "x", "1..2..3", "", "18446744073709551616"])
def test_bad_sequences_are_refused(bad: str) -> None:
    said = refused("clear", "packets", *PLACE, "--packet-sequences", bad)
    assert "for '--packet-sequences <PACKET_SEQUENCES>': Invalid sequence number: " in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("foo",), "Found argument 'foo' which wasn't expected"),
        (("clear", "packets", "--chain"), "The argument '--chain <CHAIN_ID>' requires a value but none was supplied"),
        (("query", "client", "status", "--chain", "a", "--client", "0"), "must be between 9-64 characters"),
        (
            ("keys", "balance", "--chain", "a", "--all=3"),
            "The value '3' was provided to '--all' but it wasn't expecting",
        ),
        (("keys", "add", "--chain", "a"), "--key-file <KEY_FILE>\n    --mnemonic-file <MNEMONIC_FILE>"),
        (("keys", "delete", "--chain", "a", "--key-name", "k", "--all"), "cannot be used with '--all'"),
        (("tx", "packet-recv", "--key-name", "x"), "Found argument '--key-name'"),
        (("--debug", "foo", "version"), "possible values: rpc, profiling, profiling-json"),
        (("version", "extra"), "Found argument 'extra'"),
        (("keys",), "hermes keys <SUBCOMMAND>"),
    ],
)
def test_what_is_wrong_is_said_in_claps_words(words: tuple[str, ...], said: str) -> None:
    assert said in refused(*words)


@pytest.mark.parametrize("words", [(), ("--help",), ("clear", "packets", "--help"), ("help",), ("query", "--help")])
def test_help_is_no_error(words: tuple[str, ...]) -> None:
    with pytest.raises(HelpWanted):
        parse(words, COMMANDS, GENERAL)


def test_ranges_are_inclusive_and_open_at_either_end() -> None:
    assert [parse_range(text) for text in ("7", "3..9", "..9", "3..", "..")] == [
        (7, 7),
        (3, 9),
        (0, 9),
        (3, LAST),
        (0, LAST),
    ]
    assert within(9, [(3, 9)])
    assert not within(10, [(3, 9)])


def test_exclusions_take_numbers_and_hyphens_and_drop_the_rest() -> None:
    assert excluded_ranges([1, "3-5", "9", True, 1.5, "x", ["7"]]) == ((1, 1), (3, 5), (9, 9))


def test_runs_of_sequences_are_shown_together() -> None:
    assert collated([5, 6, 7, 9]) == ["5..=7", "9..=9"]
