"""Gives Hermes a key from the words in a file, by its own ``keys add``.

What Hermes says meanwhile is dropped: it could quote the file.
"""

from __future__ import annotations

import asyncio
import os
import shlex
from pathlib import Path

from relayclear.errors import HermesError
from relayclear.hermes import process
from relayclear.hermes.config import HermesConfig
from relayclear.hermes.keys import add_key_command, read_address
from relayclear.hermes.relayer import HermesProgram

SECONDS = 60.0


async def add_key(config: HermesConfig, program: HermesProgram, chain_id: str, name: str, words: Path) -> str:
    """Add it; its account, as Hermes wrote it down.  A name that is taken stays as it is.

    Raises HermesError where Hermes can't be started, runs elsewhere or refuses, RefusedError where no
    key lies there afterwards, whatever Hermes said.
    """
    chain = config.chain(chain_id)
    if program.elsewhere:
        raise HermesError(
            "Hermes runs elsewhere, and doesn't see the files here", hint="hermes keys add, where Hermes runs"
        )
    line = add_key_command(chain, name, command=program.command, config=config.path)
    # The name of the file is no secret; what stands in it is read by Hermes alone.
    argv = [str(words) if word == "MNEMONIC_FILE" else word for word in shlex.split(line)]
    env = {**os.environ, "RUST_LOG": "error"}
    # Hermes writes the private key as plain text, for whoever its own umask lets read it.
    child = process.Child(argv, SECONDS, asyncio.Event(), _dropped, _dropped, env=env, umask=0o077)
    try:
        ended = await process.run(child)
    except OSError as error:
        raise HermesError(f"{argv[0]} can't be started: {error.strerror}", hint="set [hermes] command") from error
    if ended.exit_code != 0:
        raise HermesError(f"hermes keys add refused key {name!r} on {chain_id}", hint=line)
    return read_address(chain, name, command=program.command, config=config.path)


def _dropped(_: bytes) -> None:
    """Nobody gets it."""
