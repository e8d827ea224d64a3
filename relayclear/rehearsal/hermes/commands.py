"""The commands of Hermes that the stand-in has, with the real one's flags (`cli/commands/`)."""

from __future__ import annotations

from functools import partial

from relayclear.rehearsal.hermes import failure
from relayclear.rehearsal.hermes.arguments import Command, Flag
from relayclear.rehearsal.hermes.failure import Failure, identifier
from relayclear.rehearsal.hermes.sequences import parse_range


def _number(text: str) -> int:
    if not text.isascii() or not text.isdecimal():
        raise ValueError("invalid digit found in string")
    return int(text)


def _amount(text: str) -> int:
    if not text.isascii() or not text.isdecimal():
        raise Failure("invalid amount", "a character is not in the range 0-9")
    if int(text) >= 2**256:
        raise Failure("invalid amount", "Integer overflow when casting to U256")
    return int(text)


_port = partial(identifier, allowed=failure.PORT)
_channel = partial(identifier, allowed=failure.CHANNEL)
_client = partial(identifier, allowed=failure.CLIENT)

GENERAL = (
    Flag("--config", "CONFIG"),
    Flag("--json"),
    Flag("--debug", "DEBUG", many=True, choices=("rpc", "profiling", "profiling-json")),
    Flag("--version", other_names=("-V",)),
)
_CHAIN = Flag("--chain", "CHAIN_ID", required=True)
_KEY_NAME = Flag("--key-name", "KEY_NAME")
_PLACE = (
    _CHAIN,
    Flag("--port", "PORT_ID", _port, required=True),
    Flag("--channel", "CHANNEL_ID", _channel, required=True, other_names=("--chan",)),
)
_PATH = (
    Flag("--dst-chain", "DST_CHAIN_ID", required=True),
    Flag("--src-chain", "SRC_CHAIN_ID", required=True),
    Flag("--src-port", "SRC_PORT_ID", _port, required=True),
    Flag("--src-channel", "SRC_CHANNEL_ID", _channel, required=True, other_names=("--src-chan",)),
)
_SEQUENCES = Flag("--packet-sequences", "PACKET_SEQUENCES", parse_range, many=True)
_DATA_HEIGHT = Flag("--packet-data-query-height", "PACKET_DATA_QUERY_HEIGHT", _number)
_HEIGHT = Flag("--height", "HEIGHT", _number)

COMMANDS = (
    Command(
        ("clear", "packets"),
        "clearing",
        (
            *_PLACE,
            _SEQUENCES,
            # The next three are read and have no effect: the real program forgets them.
            _KEY_NAME,
            Flag("--counterparty-key-name", "COUNTERPARTY_KEY_NAME"),
            Flag("--query-packets-chunk-size", "QUERY_PACKETS_CHUNK_SIZE", _number),
        ),
    ),
    Command(("config", "validate"), "validating"),
    Command(("health-check",), "health"),
    Command(
        ("keys", "add"),
        "key_commands",
        (
            _CHAIN,
            Flag("--key-file", "KEY_FILE"),
            Flag("--mnemonic-file", "MNEMONIC_FILE"),
            _KEY_NAME,
            Flag("--hd-path", "HD_PATH", default="m/44'/118'/0'/0/0"),
            Flag("--overwrite"),
        ),
        one_of=("key-file", "mnemonic-file"),
    ),
    Command(
        ("keys", "balance"),
        "key_commands",
        (_CHAIN, _KEY_NAME, Flag("--all"), Flag("--denom", "DENOM")),
    ),
    Command(("keys", "delete"), "key_commands", (_CHAIN, _KEY_NAME, Flag("--all")), one_of=("key-name", "all")),
    Command(("keys", "list"), "key_commands", (_CHAIN,)),
    Command(("query", "channel", "client"), "query_commands", _PLACE),
    Command(("query", "channel", "end"), "query_commands", (*_PLACE, _HEIGHT)),
    Command(
        ("query", "channels"),
        "query_commands",
        (
            _CHAIN,
            Flag("--counterparty-chain", "COUNTERPARTY_CHAIN_ID"),
            Flag("--verbose"),
            Flag("--show-counterparty"),
        ),
    ),
    Command(
        ("query", "client", "status"), "query_commands", (_CHAIN, Flag("--client", "CLIENT_ID", _client, required=True))
    ),
    Command(("query", "packet", "acks"), "query_commands", _PLACE),
    Command(("query", "packet", "commitments"), "query_commands", (*_PLACE, _HEIGHT)),
    Command(("query", "packet", "pending"), "query_commands", _PLACE),
    Command(("query", "packet", "pending-acks"), "query_commands", _PLACE),
    Command(("query", "packet", "pending-sends"), "query_commands", _PLACE),
    Command(("start",), "daemon", (Flag("--full-scan"),)),
    Command(
        ("tx", "ft-transfer"),
        "transferring",
        (
            *_PATH,
            Flag("--amount", "AMOUNT", _amount, required=True),
            Flag("--timeout-height-offset", "TIMEOUT_HEIGHT_OFFSET", _number, default=0),
            Flag("--timeout-seconds", "TIMEOUT_SECONDS", _number, default=0),
            Flag("--receiver", "RECEIVER"),
            Flag("--denom", "DENOM", default="samoleans"),
            Flag("--number-msgs", "NUMBER_MSGS", _number, default=1),
            _KEY_NAME,
            Flag("--memo", "MEMO"),
        ),
    ),
    Command(("tx", "packet-ack"), "clearing", (*_PATH, _SEQUENCES, _DATA_HEIGHT)),
    Command(("tx", "packet-recv"), "clearing", (*_PATH, _SEQUENCES, _DATA_HEIGHT)),
    Command(("version",), ""),
)
"""Of each command the module whose `run` carries it out; `version` needs none."""
