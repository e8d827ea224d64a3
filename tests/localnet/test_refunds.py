"""What was not earned goes back: once, exactly, to who paid it, by the chain's own word."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tests.localnet import templates
from tests.localnet.node import ALPHA, BETA
from tests.localnet.proxy import Door, Proxy
from tests.localnet.rpc import wait_for
from tests.localnet.test_selling import Shop

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.localnet.channels import Channel
    from tests.localnet.network import Network

AUTO = 'mode = "auto"\nmax_each = ["1000000000stake", "1000000000token"]\nrefund_check_interval = 1\n'
BY_HAND = "refund_check_interval = 1\n"
REFUND_FEE = 50


class Till(Shop):
    """A shop with a till of its own, whose key the wallet has, and an endpoint that is trusted."""

    def __init__(
        self, network: Network, channel: Channel, folder: Path, number: int, rpc: str = "", **settings: Any
    ) -> None:
        """The reading of payments has begun, the wallet has its key, and the payer has signed once."""
        self.till = f"till-{number}"
        node = network.chains[ALPHA]
        settings.setdefault("refunds", AUTO)
        endpoints = {ALPHA: [rpc or node.rpc], BETA: [network.chains[BETA].rpc]}
        super().__init__(network, channel, folder, payee=self.till, endpoints=endpoints, **settings)
        self._add_key(folder)

    def _add_key(self, folder: Path) -> None:
        (folder / "words").write_text(self.network.mnemonic(ALPHA, self.till), encoding="utf-8")
        (folder / "passphrase").write_text("open, sesame\n", encoding="utf-8")
        for name in ("words", "passphrase"):
            (folder / name).chmod(0o600)
        self.program.variables["RELAYCLEAR_PASSPHRASE_FILE"] = str(folder / "passphrase")
        added = self.program.run("wallet", "add", "--chain", ALPHA, "--mnemonic-file", str(folder / "words"))
        assert added.code == 0, added.stderr

    def held_by(self, name: str, denom: str = "stake") -> int:
        """What `simd q bank balances` says."""
        return self.network.balance(ALPHA, name, denom)

    def refunds(self) -> list[dict[str, Any]]:
        """What is owed or was decided."""
        said = self.program.run("refunds", "list")
        assert said.code == 0, said.stderr
        return list(said.document["refunds"])

    def confirmed(self, timeout: float = 90) -> dict[str, Any]:
        """The only refund, once the chain has it."""

        def there() -> dict[str, Any] | None:
            found = self.refunds()
            return found[0] if found and found[0]["state"] == "confirmed" else None

        return wait_for(there, "the refund to be confirmed", timeout=timeout)

    def confirmed_each(self, count: int) -> None:
        """So many refunds, every one of them once the chain has it."""

        def there() -> bool | None:
            return [one["state"] for one in self.refunds()] == ["confirmed"] * count or None

        wait_for(there, f"{count} refunds to be confirmed", timeout=90)

    def audited(self) -> dict[str, Any]:
        """An audit that must agree."""
        said = self.program.run("audit")
        assert said.code == 0, said.stdout + said.stderr
        return said.document

    def assigned(self, tx: str, word: str) -> None:
        """Say what a movement was, again for as long as its block is still to be read."""

        def done() -> bool | None:
            said = self.program.run("books", "assign", "--tx", tx, "--as", word, "--reason", "a test", "--yes")
            # Coins that came in are unknown, those that went out unread, until a block above theirs is there.
            assert said.code == 0 or said.error["code"] in {"not_yet", "unknown_tx"}, said.stderr
            return said.code == 0 or None

        wait_for(done, f"{tx} to be read", timeout=30)

    @contextmanager
    def giving_back(self, amount: int) -> Iterator[None]:
        """Whoever pays gets exactly so much back in the block, in one transaction of the till."""
        before, sent = self.held_by("bob"), self.sequence()
        yield
        wait_for(lambda: self.held_by("bob") == before + amount or None, f"{amount} to come back", timeout=90)
        assert self.sequence() == sent + 1

    def sequence(self) -> int:
        """How many transactions the till's account has made."""
        return self.network.sequence(ALPHA, self.till)


def test_an_underpaid_token_goes_back_after_its_expiry_less_the_fee(
    network: Network, channel: Channel, tmp_path: Path
) -> None:
    till = Till(network, channel, tmp_path, 0)
    token = till.quote(*till.stuck(), expires="1m")
    half = int(token["pay"]["amount"]["amount"]) // 2
    with till.watching():
        till.pay(token, half)
        till.until(token, {"partly_paid"})
        with till.giving_back(half - REFUND_FEE):
            till.until(token, {"expired"}, timeout=120)
        refund = till.confirmed()
    assert (refund["cause"], refund["amount"]["amount"]) == ("underpaid", str(half - REFUND_FEE))
    till.audited()


def test_what_was_paid_too_much_goes_back_and_two_sweeps_at_once_send_nothing_twice(
    network: Network, channel: Channel, tmp_path: Path
) -> None:
    till = Till(network, channel, tmp_path, 1, refunds=BY_HAND)
    token = till.quote(*till.stuck())
    price = int(token["pay"]["amount"]["amount"])
    with till.watching():
        till.pay(token, 2 * price)
        assert till.ended(token)["state"] == "cleared"
    sweeping = ("refunds", "sweep", "--yes", "--max-amount", f"{2 * price}stake")
    with till.giving_back(price - REFUND_FEE):
        both = [till.program.start(*sweeping) for _ in range(2)]
        ended = [process.communicate(timeout=120) for process in both]
    # Whoever comes second is told so, or finds nothing left to do.
    assert {0} <= {process.returncode for process in both} <= {0, 5}, ended
    again = till.program.run("refunds", "sweep")
    assert again.code == 0, again.stderr
    assert [one["state"] for one in till.refunds()] == ["confirmed"]
    till.audited()


def test_a_till_that_gave_back_once_gives_back_again_at_the_first_try(
    network: Network, channel: Channel, tmp_path: Path
) -> None:
    # Of an account that never signed the chain reckons with a dearer key: its first refund has gas to spare.
    till = Till(network, channel, tmp_path, 9)
    before = till.sequence()
    with till.watching():
        for count in (1, 2):
            token = till.quote(*till.stuck())
            till.pay(token, 2 * int(token["pay"]["amount"]["amount"]))
            till.ended(token)
            till.confirmed_each(count)
    assert till.sequence() == before + 2
    till.audited()


def test_a_payment_past_its_grace_goes_back_and_the_books_agree_with_a_top_up_and_a_withdrawal(
    network: Network, channel: Channel, tmp_path: Path
) -> None:
    till = Till(network, channel, tmp_path, 2, sell="late_grace = 1\n")
    token = till.quote(*till.stuck(), expires="1m")
    price = int(token["pay"]["amount"]["amount"])
    with till.watching():
        till.until(token, {"expired"}, timeout=120)
        till.pay(token)
        with till.giving_back(price - REFUND_FEE):
            till.seen(token)
        till.confirmed()
    till.audited()
    top_up = network.send(ALPHA, user="alice", to=till.till, amount=500, denom="stake")
    out = network.send(ALPHA, user=till.till, to="alice", amount=200, denom="stake")
    till.audited()
    for tx, word in ((top_up, "deposit"), (out, "withdrawal")):
        till.assigned(tx, word)
    [audited] = [one for one in till.audited()["chains"] if one["chain"] == ALPHA]
    [accounts] = [book["accounts"] for book in audited["books"] if book["denom"] == "stake"]
    assert (accounts["deposits"]["amount"], accounts["withdrawals"]["amount"]) == ("500", "200")


def test_what_another_relayer_cleared_first_goes_back_in_full(
    network: Network, channel: Channel, tmp_path: Path
) -> None:
    till = Till(network, channel, tmp_path, 3)
    (sequence,) = till.stuck()
    token = till.quote(sequence)
    price = int(token["pay"]["amount"]["amount"])
    network.clear(ALPHA, channel.on(ALPHA), [sequence], key="rival")
    till.pay(token)
    with till.watching(), till.giving_back(price):
        assert till.ended(token)["state"] == "not_cleared"
    assert till.refunds()[0]["cause"] == "others_first"
    till.audited()


def test_what_was_revoked_after_the_payment_goes_back_in_full(
    network: Network, channel: Channel, tmp_path: Path
) -> None:
    till = Till(network, channel, tmp_path, 4)
    (sequence,) = till.stuck()
    token = till.quote(sequence)
    price = int(token["pay"]["amount"]["amount"])
    till.pay(token)
    assert till.program.run("tokens", "revoke", token["token"], "--reason", "by mistake").code == 0
    with till.watching(), till.giving_back(price):
        till.confirmed()
    assert till.pending() == [sequence]
    till.audited()


def test_what_a_dead_client_kept_from_being_cleared_goes_back_in_full(own_network: Network, tmp_path: Path) -> None:
    templates.dead_path(own_network, ("--trusting-period", templates.SHORT_TRUST))
    own_network.rediscover()
    channel = own_network.channels[-1]
    till = Till(own_network, channel, tmp_path, 5, sell="operation_deadline = 60\n")
    token = till.quote(*till.stuck())
    price = int(token["pay"]["amount"]["amount"])
    till.pay(token)
    for end in (channel.alpha, channel.beta):
        _wait_until_dead(own_network, end.chain, end.client)
    with till.giving_back(price), till.watching():
        assert till.ended(token, timeout=150)["state"] == "not_cleared"
        till.confirmed()
    till.audited()


def _wait_until_dead(network: Network, chain: str, client: str) -> None:
    wait_for(lambda: network.client_status(chain, client) == "Expired" or None, f"{client} to expire", timeout=120)


def test_killed_between_signing_and_sending_it_sends_once(network: Network, channel: Channel, tmp_path: Path) -> None:
    with Proxy(network.chains[ALPHA].rpc).running() as proxy:
        till = Till(network, channel, tmp_path, 6, rpc=proxy.url, hermes_config=_behind(network, tmp_path, proxy.url))
        token = till.quote(*till.stuck())
        price = int(token["pay"]["amount"]["amount"])
        till.pay(token)
        assert till.program.run("tokens", "revoke", token["token"], "--reason", "by mistake").code == 0
        proxy.door = Door.HANGS
        with till.watching() as daemon:
            assert proxy.asked.wait(60)
            daemon.send_signal(signal.SIGKILL)
            daemon.wait()
        proxy.released.set()
        assert till.refunds()[0]["state"] == "signed"
        proxy.door = Door.OPEN
        with till.watching(), till.giving_back(price):
            till.confirmed()
        till.audited()
    story = till.program.run("refunds", "show", till.refunds()[0]["id"]).document
    assert len(story["signings"]) == 1


def test_past_its_timeout_height_it_is_signed_anew_on_the_same_sequence(
    network: Network, channel: Channel, tmp_path: Path
) -> None:
    with Proxy(network.chains[ALPHA].rpc).running() as proxy:
        settings = AUTO + "timeout_blocks = 8\n"
        config = _behind(network, tmp_path, proxy.url)
        till = Till(network, channel, tmp_path, 7, rpc=proxy.url, hermes_config=config, refunds=settings)
        token = till.quote(*till.stuck())
        price = int(token["pay"]["amount"]["amount"])
        till.pay(token)
        assert till.program.run("tokens", "revoke", token["token"], "--reason", "by mistake").code == 0
        proxy.door = Door.DROPS
        with till.watching(), till.giving_back(price):
            first = wait_for(lambda: (till.refunds() or [{}])[0].get("tx_hash"), "it to be signed", timeout=60)
            wait_for(lambda: till.refunds()[0]["tx_hash"] != first or None, "it to be signed anew", timeout=120)
            proxy.door = Door.OPEN
            till.confirmed()
        till.audited()
    signings = till.program.run("refunds", "show", till.refunds()[0]["id"]).document["signings"]
    assert len({one["tx_hash"] for one in signings}) > 1
    assert len({one["sequence"] for one in signings}) == 1


def _behind(network: Network, folder: Path, url: str) -> Path:
    """The operator's Hermes config, with alpha-1 behind a door."""
    text = network.hermes_config.read_text(encoding="utf-8").replace(network.chains[ALPHA].rpc, url)
    file = folder / "hermes.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_a_lost_answer_pays_once(network: Network, channel: Channel, tmp_path: Path) -> None:
    with Proxy(network.chains[ALPHA].rpc).running() as proxy:
        till = Till(network, channel, tmp_path, 8, rpc=proxy.url, hermes_config=_behind(network, tmp_path, proxy.url))
        token = till.quote(*till.stuck())
        price = int(token["pay"]["amount"]["amount"])
        till.pay(token)
        assert till.program.run("tokens", "revoke", token["token"], "--reason", "by mistake").code == 0
        proxy.door = Door.LOSES_THE_ANSWER
        with till.watching(), till.giving_back(price):
            till.confirmed()
        till.audited()
    assert len(proxy.kept) >= 1
