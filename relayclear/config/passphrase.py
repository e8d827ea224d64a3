"""Where the passphrase of the wallet file comes from: a file, a systemd credential, or a person at a terminal.

Never a flag or a variable that holds it: other users see those.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from relayclear.config import private
from relayclear.errors import ConfigError, UsageError

CREDENTIAL = "relayclear-passphrase"
_LARGEST = 4096
_WHY = "whoever reads it can open the wallet file"
# Only `wallet add` has a flag for it: what every command has is named.
_HINT = "name a file of mode 0600 with RELAYCLEAR_PASSPHRASE_FILE, or in [keys] passphrase_file"


@dataclass(frozen=True, slots=True)
class PassphraseSource:
    """The first that there is of a named file, the credential in systemd's folder, and a person to ask.

    `ask` shows a question and gives what was typed, unseen.  Nothing is read or asked before it is needed.
    """

    file: Path | None = None
    credentials: Path | None = None
    ask: Callable[[str], str] | None = None

    def given(self) -> bytes:
        """The passphrase of a wallet file that is there.  Raises ConfigError for none, or one that others may read."""
        found = self._stored()
        return _whole(self._ask("Passphrase of the wallet file: ") if found is None else found)

    def chosen(self) -> bytes:
        """One for a new wallet file, asked for twice.  Raises what `given` raises, UsageError for two that differ."""
        found = self._stored()
        if found is None:
            found = self._ask("Choose a passphrase for the wallet file: ")
            if self._ask("The same again: ") != found:
                raise UsageError("the two passphrases differ", hint="the same command again; nothing was kept")
        return _whole(found)

    def _stored(self) -> bytes | None:
        if self.file is not None:
            trusted = self.credentials is not None and self.file.is_relative_to(self.credentials)
            return private.read(self.file, _LARGEST, _WHY, _HINT, trusted=trusted)
        credential = self.credentials / CREDENTIAL if self.credentials else None
        if credential is None or not credential.exists():
            return None
        return private.read(credential, _LARGEST, _WHY, _HINT, trusted=True)

    def _ask(self, question: str) -> bytes:
        if self.ask is None:
            raise ConfigError(
                "the wallet file needs its passphrase, and nobody can be asked here", hint=_HINT, code="no_passphrase"
            )
        return self.ask(question).encode()


def _whole(text: bytes) -> bytes:
    # One line end, which editors add; a space belongs to the passphrase.
    passphrase = text.removesuffix(b"\n").removesuffix(b"\r")
    if not passphrase:
        raise ConfigError("the passphrase is empty", hint=_HINT, code="no_passphrase")
    if len(text) > _LARGEST:
        raise ConfigError(f"the passphrase is longer than {_LARGEST} bytes", hint=_HINT, code="no_passphrase")
    return passphrase
