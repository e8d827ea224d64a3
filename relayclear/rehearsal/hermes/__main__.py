"""The program: `python -m relayclear.rehearsal.hermes [--config FILE] [--json] COMMAND …`.

A command's module is loaded when it is known, so that `version` doesn't wait for what it doesn't need.
The environment variable RELAYCLEAR_REHEARSAL_CONTROL names the control port whose faults a run shows.
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from relayclear.rehearsal.faults import RelayerFaults
from relayclear.rehearsal.hermes.arguments import HelpWanted, Parsed, UsageError, parse
from relayclear.rehearsal.hermes.commands import COMMANDS, GENERAL
from relayclear.rehearsal.hermes.config import VERSION, Config, InvalidConfigError, load
from relayclear.rehearsal.hermes.failure import Failure
from relayclear.rehearsal.hermes.output import Output
from relayclear.rehearsal.hermes.tables import ConfigError

_EXAMPLE = (
    "Please see the example configuration for detailed information about the supported configuration options: "
    "https://github.com/informalsystems/hermes/blob/master/config.toml"
)
_GUIDE = "for an example, please see https://hermes.informal.systems/config.html#example-configuration-file"
_GARBAGE = b'\x00\xff\xfe{"result":[{"WriteAck\n\x1b[2Jpanicked at \'index out of bounds\'\n{"status":\n'


def main(argv: Sequence[str]) -> int:
    """Run a command line; the exit code."""
    faults = _faults()
    try:
        if {"--version", "-V"} & {*argv[:1]}:
            _say(sys.stdout, f"hermes {faults.version or VERSION}")
            return 0
        parsed = parse(argv, COMMANDS, GENERAL)
    except UsageError as refused:
        _say(sys.stderr, str(refused))
        return 2
    except HelpWanted as wanted:
        _say(sys.stdout, f"hermes {faults.version or VERSION}\n{wanted}")
        return 0
    if parsed.command.name == "version":
        _greet(Output(as_json=bool(parsed.globals["json"])), faults)
        _say(sys.stdout, f"hermes {faults.version or VERSION}")
        return 0
    return _run(parsed, faults)


def _run(parsed: Parsed, faults: RelayerFaults) -> int:
    given = parsed.globals["config"]
    path = Path(given) if given is not None else Path.home() / ".hermes" / "config.toml"
    there = given is not None or path.is_file()
    try:
        config = load(path) if there else Config()
    except ConfigError as bad:
        _say(sys.stderr, f"The Hermes configuration file at path '{path}' is invalid, reason: {bad}")
        _say(sys.stderr, _EXAMPLE)
        return 1
    except InvalidConfigError as bad:
        _say(sys.stderr, f"error: hermes fatal error: config error: {Failure(str(bad))}")
        return 1
    output = Output(as_json=bool(parsed.globals["json"]), level=config.level)
    if not there:
        output.error(f"could not find configuration file at '{path}'")
        output.error(_GUIDE)
    _greet(output, faults)
    if faults.garbage:
        sys.stdout.buffer.write(_GARBAGE)
        return 0
    if faults.hang:
        signal.pause()
    if parsed.command.words == ("config", "validate") and (not there or not path.read_text(encoding="utf-8")):
        return output.fail("the configuration file is empty" if there else "no configuration file found")
    return _carry_out(parsed, config, output, faults)


def _carry_out(parsed: Parsed, config: Config, output: Output, faults: RelayerFaults) -> int:
    sessions = importlib.import_module("relayclear.rehearsal.hermes.session")
    nodes = importlib.import_module("relayclear.rehearsal.hermes.node")
    command = importlib.import_module(f"relayclear.rehearsal.hermes.{parsed.command.module}")
    session = sessions.Session(config, output, nodes.HttpTransport, faults)
    try:
        return int(command.run(session, parsed))
    except Failure as failed:
        return output.fail(failed)


def _say(stream: TextIO, text: str) -> None:
    stream.write(f"{text}\n")
    stream.flush()


def _greet(output: Output, faults: RelayerFaults) -> None:
    output.info(f"running Hermes v{faults.version or VERSION}")


def _faults() -> RelayerFaults:
    control = os.environ.get("RELAYCLEAR_REHEARSAL_CONTROL")
    if not control:
        return RelayerFaults()
    found: RelayerFaults = importlib.import_module("relayclear.rehearsal.hermes.faults").ask(control)
    return found


if __name__ == "__main__":
    # Ctrl-C ends the real one without a word.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    sys.exit(main(sys.argv[1:]))
