"""What was paid for is cleared, exactly and once: a user pays with a memo, a running daemon does the rest."""

from __future__ import annotations

import json
import signal
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.localnet import txs
from tests.localnet.commands import Relayclear, stand_in
from tests.localnet.node import ALPHA, BETA
from tests.localnet.rpc import wait_for

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator

    from tests.localnet.channels import Channel
    from tests.localnet.network import Network

ENDED = {"cleared", "partly_cleared", "not_cleared"}


class Shop:
    """An operator who sells on a network, and the channel of one test."""

    def __init__(self, network: Network, channel: Channel, folder: Path, **settings: Any) -> None:
        """Nothing runs yet; the reading of payments has begun."""
        self.network, self.channel = network, channel
        self.program = Relayclear(network, folder, sells=True, **settings)
        assert self.program.run("watch", "--once").code == 0

    @contextmanager
    def watching(self) -> Iterator[subprocess.Popen[str]]:
        """A daemon for the length of the block; it must leave in good order."""
        daemon = self.program.start("watch", "--log-format", "json", as_json=False)
        try:
            yield daemon
        finally:
            daemon.send_signal(signal.SIGTERM)
            _, told = daemon.communicate(timeout=60)
        assert daemon.returncode in {0, -signal.SIGKILL}, told

    def stuck(self, count: int = 1) -> list[int]:
        """Packets that nobody relays."""
        return self.network.transfer(ALPHA, self.channel.on(ALPHA), count=count)

    def quote(self, *sequences: int, **wanted: str) -> dict[str, Any]:
        """A token for them."""
        options = [word for name, value in wanted.items() for word in (f"--{name.replace('_', '-')}", value)]
        where = ("--chain", ALPHA, "--channel", self.channel.on(ALPHA))
        chosen = ("--packet-sequences", ",".join(map(str, sequences)))
        made = self.program.run("tokens", "create", *where, *chosen, *options)
        assert made.code == 0, made.stderr
        return made.document

    def pay(
        self, token: dict[str, Any], amount: int | None = None, denom: str = "stake", memo: str | None = None
    ) -> None:
        """What a user's wallet does, with the address, the amount and the memo that were printed."""
        to, wanted = token["pay"]["to"], int(token["pay"]["amount"]["amount"])
        self.network.send(
            ALPHA,
            user="bob",
            to=to,
            amount=wanted if amount is None else amount,
            denom=denom,
            memo=token["memo"] if memo is None else memo,
        )

    def multi_send(self, to: str, amount: int, memo: str) -> None:
        """One transaction that pays several at once."""
        bob, coins = self.network.address(ALPHA, "bob"), [{"denom": "stake", "amount": str(amount)}]
        twice = [{"denom": "stake", "amount": str(2 * amount)}]
        outputs = [{"address": to, "coins": coins}, {"address": self.network.address(ALPHA, "carol"), "coins": coins}]
        message = {
            "@type": "/cosmos.bank.v1beta1.MsgMultiSend",
            "inputs": [{"address": bob, "coins": twice}],
            "outputs": outputs,
        }
        txs.submit(self.network.chains[ALPHA], "bob", bob, [message], memo=memo)

    def show(self, token: dict[str, Any]) -> dict[str, Any]:
        """What is known of the token."""
        said = self.program.run("tokens", "show", token["token"])
        assert said.code == 0, said.stderr
        return said.document

    def ended(self, token: dict[str, Any], timeout: float = 60) -> dict[str, Any]:
        """The token, once its work is over."""
        return self.until(token, ENDED, timeout)

    def until(self, token: dict[str, Any], states: set[str], timeout: float = 60) -> dict[str, Any]:
        """The token, once it is in one of the states."""

        def there() -> dict[str, Any] | None:
            found = self.show(token)
            return found if found["state"] in states else None

        return wait_for(there, f"the token to be {' or '.join(sorted(states))}", timeout=timeout)

    def seen(self, token: dict[str, Any]) -> dict[str, Any]:
        """The token, once a payment for it was seen."""

        def there() -> dict[str, Any] | None:
            found = self.show(token)
            return found if found["payments"] else None

        return wait_for(there, "the payment to be seen", timeout=60)

    def pending(self) -> list[int]:
        """What the sending chain still holds."""
        return self.network.commitments(ALPHA, self.channel.on(ALPHA))


def test_a_paid_packet_is_cleared_and_no_other(network: Network, channel: Channel, tmp_path: Path) -> None:
    shop = Shop(network, channel, tmp_path)
    first, second, third = shop.stuck(3)
    token = shop.quote(second)
    with shop.watching():
        shop.pay(token)
        found = shop.ended(token)
    assert found["state"] == "cleared"
    assert found["flaws"] == []
    assert shop.pending() == [first, third]
    assert network.received(BETA, channel.on(BETA), second)
    _assert_proof_holds(shop, found["operation"]["operation"], tmp_path)


def _assert_proof_holds(shop: Shop, operation: str, folder: Path) -> None:
    file = str(folder / "proof.json")
    assert shop.program.run("operations", "proof", operation, "-o", file).code == 0
    checked = shop.program.run("operations", "verify", file)
    assert checked.code == 0, checked.stderr


def test_half_the_amount_waits_and_the_other_half_completes_it(
    network: Network, channel: Channel, tmp_path: Path
) -> None:
    shop = Shop(network, channel, tmp_path)
    (sequence,) = shop.stuck()
    token = shop.quote(sequence)
    price = int(token["pay"]["amount"]["amount"])
    with shop.watching():
        shop.pay(token, price // 2)
        half = shop.until(token, {"partly_paid"})
        assert half["missing"]["amount"] == str(price - price // 2)
        assert shop.pending() == [sequence]
        shop.pay(token, price - price // 2)
        assert shop.ended(token)["state"] == "cleared"


def test_twice_the_amount_clears_and_owes_the_rest(network: Network, channel: Channel, tmp_path: Path) -> None:
    shop = Shop(network, channel, tmp_path)
    token = shop.quote(*shop.stuck())
    price = int(token["pay"]["amount"]["amount"])
    with shop.watching():
        shop.pay(token, 2 * price)
        found = shop.ended(token)
    assert (found["state"], found["flaws"]) == ("cleared", ["overpaid"])
    (owed,) = found["owed_back"]
    assert (owed["cause"], owed["to"]) == ("excess", network.address(ALPHA, "bob"))
    assert owed["amount"]["amount"] == str(price - 50)


def test_a_late_payment_for_a_packet_that_is_gone_goes_back(network: Network, channel: Channel, tmp_path: Path) -> None:
    shop = Shop(network, channel, tmp_path, sell="late_grace = 1\n")
    (sequence,) = shop.stuck()
    token = shop.quote(sequence, expires="1m")
    with shop.watching():
        shop.until(token, {"expired"}, timeout=120)
        shop.pay(token)
        found = wait_for(
            lambda: ((one := shop.show(token))["payments"] and one) or None, "the late payment", timeout=60
        )
    assert (found["state"], found["flaws"]) == ("expired", ["late"])
    assert [owed["cause"] for owed in found["owed_back"]] == ["late"]
    assert shop.pending() == [sequence]


def test_a_wrong_denom_clears_nothing_and_is_owed_back(network: Network, channel: Channel, tmp_path: Path) -> None:
    shop = Shop(network, channel, tmp_path)
    (sequence,) = shop.stuck()
    token = shop.quote(sequence)
    with shop.watching():
        shop.pay(token, denom="token")
        found = shop.seen(token)
    assert (found["state"], found["flaws"]) == ("open", ["wrong_denom"])
    assert [owed["cause"] for owed in found["owed_back"]] == ["wrong_denom"]
    assert shop.pending() == [sequence]


def test_a_memo_in_capitals_with_a_trailing_space_is_understood(
    network: Network, channel: Channel, tmp_path: Path
) -> None:
    shop = Shop(network, channel, tmp_path)
    token = shop.quote(*shop.stuck())
    with shop.watching():
        shop.pay(token, memo=token["memo"].upper() + " ")
        assert shop.ended(token)["state"] == "cleared"
    assert shop.pending() == []


def test_a_payment_while_the_daemon_was_killed_is_found_by_the_next_one(
    network: Network, channel: Channel, tmp_path: Path
) -> None:
    shop = Shop(network, channel, tmp_path)
    (sequence,) = shop.stuck()
    token = shop.quote(sequence)
    with shop.watching() as daemon:
        daemon.kill()
        daemon.wait()
        shop.pay(token)
    assert shop.pending() == [sequence]
    with shop.watching():
        assert shop.ended(token)["state"] == "cleared"


def test_what_our_own_daemon_delivers_after_the_payment_is_earned(
    network: Network, channel: Channel, tmp_path: Path
) -> None:
    shop = Shop(network, channel, tmp_path)
    (sequence,) = shop.stuck()
    token = shop.quote(sequence)
    shop.pay(token)
    with network.daemon():  # it clears what it missed when it starts
        wait_for(lambda: None if shop.pending() else True, "hermes start to deliver", timeout=90)
    with shop.watching():
        found = shop.ended(token)
    assert found["state"] == "cleared"
    assert found["operation"]["state"] == "nothing_to_do"


def test_what_our_own_daemon_delivered_before_the_payment_goes_back(
    network: Network, channel: Channel, tmp_path: Path
) -> None:
    shop = Shop(network, channel, tmp_path)
    (sequence,) = shop.stuck()
    token = shop.quote(sequence)
    network.clear(ALPHA, channel.on(ALPHA), [sequence])
    shop.pay(token)
    with shop.watching():
        found = shop.ended(token)
    assert found["state"] == "not_cleared"
    assert [owed["cause"] for owed in found["owed_back"]] == ["cleared_before"]


def test_a_multi_send_pays_like_any_other(network: Network, channel: Channel, tmp_path: Path) -> None:
    shop = Shop(network, channel, tmp_path)
    token = shop.quote(*shop.stuck())
    to, price = token["pay"]["to"], int(token["pay"]["amount"]["amount"])
    with shop.watching():
        shop.multi_send(to, price, token["memo"])
        found = shop.ended(token)
    assert (found["state"], found["flaws"]) == ("cleared", [])


def test_stopped_in_the_middle_of_a_run_it_ends_hermes_and_the_next_one_goes_on(
    network: Network, channel: Channel, tmp_path: Path
) -> None:
    shop = Shop(network, channel, tmp_path)
    token = shop.quote(*shop.stuck())
    shop.program.hermes = stand_in(tmp_path, f"echo $$ > {tmp_path}/hermes.pid; exec sleep 300")
    with shop.watching():
        shop.pay(token)
        pid = wait_for(lambda: _number(tmp_path / "hermes.pid"), "Hermes to start", timeout=60)
    assert not Path(f"/proc/{pid}").exists()
    stopped = shop.show(token)
    assert stopped["state"] == "clearing"
    story = shop.program.run("operations", "show", stopped["operation"]["operation"]).document
    assert [run["exit_code"] for run in story["runs"]] == [None]
    shop.program.hermes = None
    with shop.watching():
        assert shop.ended(token)["state"] == "cleared"


def _number(file: Path) -> int | None:
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    return int(text) if text.strip() else None


def test_a_script_that_waits_for_the_payment_clears_it_without_a_daemon(
    network: Network, channel: Channel, tmp_path: Path
) -> None:
    shop = Shop(network, channel, tmp_path)
    token = shop.quote(*shop.stuck())
    unpaid = shop.program.run("clear", "--token", token["token"], "--yes")
    assert (unpaid.code, unpaid.error["code"]) == (4, "not_paid")
    waiting = shop.program.start("clear", "--token", token["token"], "--wait", "--yes")
    shop.pay(token)
    out, err = waiting.communicate(timeout=90)
    assert waiting.returncode == 0, err
    assert json.loads(out)["state"] == "cleared"


def test_a_daemon_killed_in_the_middle_of_a_run_leaves_a_hermes_that_the_next_one_waits_for(
    network: Network, channel: Channel, tmp_path: Path
) -> None:
    shop = Shop(network, channel, tmp_path)
    token = shop.quote(*shop.stuck())
    shop.program.hermes = stand_in(tmp_path, f'echo $$ > {tmp_path}/hermes.pid; sleep 6; exec hermes "$@"')
    with shop.watching() as daemon:
        shop.pay(token)
        wait_for(lambda: _number(tmp_path / "hermes.pid"), "Hermes to start", timeout=60)
        daemon.kill()
        daemon.wait()
    shop.program.hermes = None
    with shop.watching():
        found = shop.ended(token)
    assert found["state"] == "cleared"
    story = shop.program.run("operations", "show", found["operation"]["operation"]).document
    # A Hermes whose output nobody takes any more may end of it: then there is a second run.
    assert len(story["runs"]) <= 1
    assert [said["by"] for said in story["packets"]] == ["us"]
