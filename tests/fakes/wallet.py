"""The `Wallet` port over the rehearsal's keys: its transactions are real, and the chains of a world take them."""

from __future__ import annotations

from datetime import datetime

from relayclear.chains.wallet.transactions import signed_tx, unsigned_tx
from relayclear.errors import RefusedError, RelayclearError, UsageError
from relayclear.ibc.accounts import AccountKind, AccountType
from relayclear.ibc.spending import Draft, NewKey, SignedTx, WalletKey
from relayclear.rehearsal.keys import COSMOS_PATH, Key
from tests.fakes.world import START

COSMOS_KEY = "/cosmos.crypto.secp256k1.PubKey"


def prefix_of(chain: str) -> str:
    """What addresses begin with in this world."""
    return chain.partition("-")[0]


def account_type(chain: str) -> AccountType:
    """How accounts sign in this world."""
    return AccountType(prefix_of(chain), AccountKind.SECP256K1, COSMOS_KEY)


class FakeWallet:
    """Keys of names, one a chain, none at first.

    `fails` is raised by whatever needs the passphrase, for as long as it is set.  `signed` are the
    drafts that were signed, in their order.
    """

    def __init__(self) -> None:
        self.fails: RelayclearError | None = None
        self.signed: list[Draft] = []
        self._kept: dict[str, tuple[WalletKey, Key]] = {}

    @property
    def signings(self) -> int:
        """How often something was signed."""
        return len(self.signed)

    def hold(self, chain: str, name: str) -> WalletKey:
        """Give it the key of a name (`world.address` is its account), in the place of any other on that chain."""
        return self._keep(chain, Key.of_name(name), COSMOS_PATH, START)

    def listed(self) -> list[WalletKey]:
        return [kept for _, (kept, _) in sorted(self._kept.items())]

    def find(self, chain: str) -> WalletKey | None:
        return self._kept[chain][0] if chain in self._kept else None

    def unsigned(self, draft: Draft) -> bytes:
        return unsigned_tx(draft)

    def sign(self, draft: Draft) -> SignedTx:
        if draft.chain not in self._kept:
            raise UsageError(f"the wallet has no key for {draft.chain}")
        kept, key = self._kept[draft.chain]
        if kept.address != draft.sender:
            raise UsageError(f"the wallet's key on {draft.chain} is {kept.address}, not {draft.sender}")
        self._open()
        self.signed.append(draft)
        return signed_tx(draft, key.secret, account_type(draft.chain))

    def derived(self, chain: str, phrase: str, path: str | None = None) -> NewKey:
        key = Key.from_mnemonic(phrase, path=path)
        return NewKey(chain, key.address(prefix_of(chain)), key.kind.value, path or COSMOS_PATH, key.secret)

    def add(self, key: NewKey, at: datetime) -> WalletKey:
        self._open()
        if key.chain in self._kept:
            raise RefusedError(f"there is a key for {key.chain} already", code="key_exists")
        return self._keep(key.chain, Key(key.secret), key.path, at)

    def remove(self, chain: str) -> WalletKey:
        if chain not in self._kept:
            raise UsageError(f"the wallet has no key for {chain}")
        return self._kept.pop(chain)[0]

    def _open(self) -> None:
        if self.fails is not None:
            raise self.fails

    def _keep(self, chain: str, key: Key, path: str, at: datetime) -> WalletKey:
        kept = WalletKey(chain, key.address(prefix_of(chain)), key.kind.value, path, at)
        self._kept[chain] = kept, key
        return kept
