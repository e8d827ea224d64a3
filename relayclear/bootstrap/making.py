"""Makes clearing keys: words of chance in a file that only its owner reads, given to Hermes by its own command."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from pathlib import Path

from relayclear.bootstrap.loading import LoadedHermes
from relayclear.bootstrap.wallet import wallet_of
from relayclear.chains.wallet.mnemonic import phrase_of
from relayclear.config import private
from relayclear.config.mnemonicfile import read_mnemonic
from relayclear.config.settings import Settings
from relayclear.errors import HermesError, RelayclearError
from relayclear.hermes.adding import add_key
from relayclear.hermes.keys import key_names
from relayclear.hermes.relayer import HermesProgram
from relayclear.usecases.starting import MadeKey

_WHY = "whoever reads a mnemonic owns its coins"
_ENTROPY = 32


async def make_clearing_keys(
    settings: Settings, loaded: Sequence[LoadedHermes], name: str, folder: Path
) -> list[MadeKey]:
    """A key of that name on every chain that has none; the words lie in `folder` before Hermes is told of them.

    What can't be made is told, chain by chain.  Made again after a crash, it goes on with the words that lie there.
    """
    done: dict[str, MadeKey] = {}
    for item in loaded:
        for chain in item.config.chains:
            if chain.id not in done and name not in key_names(chain):
                done[chain.id] = await _made(settings, item, chain.id, name, folder)
    return list(done.values())


async def _made(settings: Settings, item: LoadedHermes, chain: str, name: str, folder: Path) -> MadeKey:
    program = HermesProgram(command=item.settings.command, work_dir=item.settings.work_dir)
    words = folder / f"{chain}-{name}.txt"
    try:
        if program.elsewhere:
            raise HermesError(
                "Hermes runs elsewhere, and doesn't see files that are written here",
                hint="run this where Hermes runs, or: hermes keys add --chain CHAIN --mnemonic-file FILE there",
            )
        phrase = _words(words)
        address = await add_key(item.config, program, chain, name, words)
        # The words must bring the key back: else the file is worth nothing, and nobody would know.
        if wallet_of(settings, [item]).derived(chain, phrase).address != address:
            raise HermesError(
                f"the words in {words} lead to another account than {address}",
                hint=f"hermes keys delete --chain {chain} --key-name {name}, then the same command",
            )
    except RelayclearError as error:
        return MadeKey(chain, None, str(words) if words.exists() else None, error.message)
    return MadeKey(chain, address, str(words))


def _words(file: Path) -> str:
    """The words in the file, new ones where it isn't there."""
    with private.alone(file.parent, _WHY):
        if not file.exists():
            private.put(file, phrase_of(secrets.token_bytes(_ENTROPY)) + "\n")
        return read_mnemonic(file)
