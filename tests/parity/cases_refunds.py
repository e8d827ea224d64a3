"""What goes back: paid too much, and paid for what another relayer had cleared; refunds, their stories, the books."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from relayclear.rehearsal.keys import Key
from tests.localnet.node import ALPHA, BETA
from tests.parity import wires
from tests.parity.cases_selling import Sale, market
from tests.parity.normal import without
from tests.parity.registry import case
from tests.parity.scenes import clear
from tests.parity.side import PREFIX, Side, outcome

# Two databases on one wallet are two hands: each case has a payee of its own.
_PHRASES = {
    "giver-1": "legal winner thank year wave sausage worth useful legal winner thank yellow",
    "giver-2": "letter advice cage absurd amount doctor acoustic avoid letter advice cage above",
}
_REFUNDS = 'mode = "auto"\nmax_each = ["1000000stake"]\nrefund_check_interval = 1\n'
_FUNDS = 10**6
# How far the reading is just now, how often bytes were sent before a block had them, and what follows from
# the gas that was used.
_MOMENT = ("opening_height", "read_through", "at_height", "timeout_height", "through", "broadcasts")
_GAS = ("fee", "fees_taken", "balance", "should_hold", "on_chain")


class Till(Sale):
    """A sale whose payee has coins, and a key in the wallet."""

    @classmethod
    def opened(cls, side: Side, name: str) -> Till:
        """Sell a clearing for a payee of this name that has nothing but a few coins for gas."""
        address = Key.from_mnemonic(_PHRASES[name]).address(PREFIX)
        for chain in (ALPHA, BETA):
            side.addresses[chain][name] = address
        purse = side.purse()
        side.commit(ALPHA, purse, wires.send(purse.address, address, wires.coin(_FUNDS, "stake")))
        side.next_block(ALPHA)
        folder = side.new_folder()
        endpoints = {chain: [side.rpc[chain]] for chain in (ALPHA, BETA)}
        secrets = {"words": _PHRASES[name], "passphrase": "open, sesame"}
        variables = {"RELAYCLEAR_PASSPHRASE_FILE": str(folder / "passphrase")}
        for file, text in secrets.items():
            _private(folder / file, text)
        made = cls.of(side, folder, payee=name, refunds=_REFUNDS, endpoints=endpoints, variables=variables)
        added = made.shop.run("wallet", "add", "--chain", ALPHA, "--mnemonic-file", str(folder / "words"))
        assert added.code == 0, added.stderr
        return made

    def given_back(self) -> Any:
        """What is owed, sent, and in the books afterwards."""
        before = self.told("refunds", "list")
        sweep = self.told("refunds", "sweep", "--chain", ALPHA)
        [refund] = before["document"]["refunds"]
        # What is read is what another block stands on.
        for _ in range(2):
            self.side.next_block(ALPHA)
        audit = self.told("audit", "--chain", ALPHA)
        after = {"list": self.told("refunds", "list"), "show": self.told("refunds", "show", refund["id"])}
        return {"owed": before, "sweep": sweep, "audit": audit, **after}

    def told(self, *argv: str) -> Any:
        """What a command says, without what the moment and the gas make of it."""
        return without(outcome(self.shop.run(*argv)), *_MOMENT, *_GAS)


def _private(file: Path, text: str) -> None:
    file.write_text(text + "\n", encoding="utf-8")
    file.chmod(0o600)


@case
def refund_of_what_was_paid_too_much(side: Side) -> Any:
    till = Till.opened(side, "giver-1")
    till.pay(2 * till.price)
    assert till.shop.run("clear", "--token", till.token["memo"], "--wait", "--yes").code == 0
    return till.given_back()


@case
def refund_of_what_another_relayer_cleared(side: Side) -> Any:
    till = Till.opened(side, "giver-2")
    clear(side, ALPHA, side.scene(market), till.sequence, key="rival")
    till.pay(till.price)
    ended = till.shop.run("clear", "--token", till.token["memo"], "--wait", "--yes")
    return {"clear": ended.code, **till.given_back()}
