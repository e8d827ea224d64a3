"""It stays up: nodes freeze, the daemon is killed again and again, and what it says of itself is so."""

from __future__ import annotations

import random
import signal
import socket
import subprocess
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import httpx

from tests.listener.test_metrics import agree, parsed
from tests.localnet.node import ALPHA, BETA
from tests.localnet.rpc import wait_for
from tests.localnet.test_selling import Shop

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.localnet.channels import Channel
    from tests.localnet.commands import Outcome
    from tests.localnet.network import Network

KILLS = 20


def breaker_of(shop: Shop, chain: str) -> dict[str, Any]:
    """The breaker of a chain's only endpoint."""
    said = shop.program.run("breakers", "list")
    assert said.code == 0, said.stderr
    [found] = [one for one in said.document["breakers"] if one["name"].startswith(f"endpoint/{chain}/")]
    return dict(found)


def standing(shop: Shop, chain: str, state: str, timeout: float) -> dict[str, Any]:
    """The breaker, once it stands so."""

    def there() -> dict[str, Any] | None:
        found = breaker_of(shop, chain)
        return found if found["state"] == state else None

    return wait_for(there, f"the breaker of {chain} to be {state}", timeout=timeout)


def works(health: dict[str, Any]) -> dict[tuple[str, str | None], bool | None]:
    """What works, by what and where."""
    return {(one["work"], one["chain"]): one["works"] for one in health["works"]}


def test_a_frozen_node_stops_quotes_and_what_is_paid_waits_until_it_is_back(
    own_network: Network, tmp_path: Path
) -> None:
    shop = Shop(own_network, own_network.fresh_channel(), tmp_path)
    sold, other = shop.stuck(2)
    token = shop.quote(sold)
    where = ("--chain", ALPHA, "--channel", shop.channel.on(ALPHA), "--packet-sequences", str(other))
    node = own_network.chains[BETA]
    with shop.watching():
        node.freeze()
        try:
            shop.pay(token)
            # Within a minute, by the clock that the quick tests turn; here with room for a busy machine.
            opened = standing(shop, BETA, "open", timeout=90)
            assert opened["reason"]
            refused = shop.program.run("tokens", "create", *where)
            assert (refused.code, refused.error["code"]) == (4, "breaker_open"), refused.stderr
            assert opened["name"] in refused.error["message"]
            assert shop.seen(token)["state"] in {"paid", "clearing"}
            told = shop.program.run("health")
            assert (told.code, told.document["level"]) == (10, "degraded"), told.stdout
            assert any(BETA in one["subject"] and one["message"] for one in told.document["findings"])
            assert (works(told.document)["look", ALPHA], works(told.document)["look", BETA]) == (True, False)
            assert breaker_of(shop, ALPHA)["state"] == "closed"
            assert shop.pending() == [sold, other]
        finally:
            node.thaw()
        standing(shop, BETA, "closed", timeout=90)
        assert shop.ended(token, timeout=120)["state"] == "cleared"
    assert shop.pending() == [other]
    assert shop.program.run("tokens", "create", *where).code == 0


def test_killed_twenty_times_during_twenty_payments_it_loses_none_and_clears_each_once(
    network: Network, channel: Channel, tmp_path: Path
) -> None:
    shop, chance = Shop(network, channel, tmp_path), random.Random(7)
    sequences = shop.stuck(KILLS)
    tokens = [shop.quote(sequence) for sequence in sequences]
    for token in tokens:
        daemon = shop.program.start("watch", "--log-format", "json", as_json=False)
        shop.pay(token)
        # Anywhere from its first breath to the middle of a clearing.
        with suppress(subprocess.TimeoutExpired):
            daemon.wait(timeout=chance.uniform(0.0, 2.5))
        daemon.kill()
        daemon.communicate(timeout=30)
    with shop.watching():
        ended = [shop.ended(token, timeout=240) for token in tokens]
    assert [one["state"] for one in ended] == ["cleared"] * KILLS
    assert [len(one["payments"]) for one in ended] == [1] * KILLS
    # Where a Hermes ended with its daemon, the acknowledgement may not have come back: delivered it is all the same.
    assert all(network.received(BETA, channel.on(BETA), sequence) for sequence in sequences)
    audited = shop.program.run("audit")
    assert audited.code == 0, audited.stdout + audited.stderr


def test_metrics_are_what_prometheus_reads_and_stats_say(network: Network, channel: Channel, tmp_path: Path) -> None:
    shop = Shop(network, channel, tmp_path)
    paid, waiting = shop.stuck(2)
    token = shop.quote(paid)
    with listening(shop) as url:
        shop.pay(token)
        assert shop.ended(token)["state"] == "cleared"
        assert httpx.get(f"{url}/health/live").status_code == 200
        found = parsed(httpx.get(f"{url}/metrics").text)
        agree(found, said(shop.program.run("stats")))
        assert found["relayclear_payment_to_cleared_seconds_count"] == {(): 1}
        assert httpx.get(f"{url}/health").json()["level"] == said(shop.program.run("health"))["level"]
    assert shop.pending() == [waiting]


def said(outcome: Outcome) -> dict[str, Any]:
    """Its document; 10 is an answer too."""
    assert outcome.code in {0, 10}, outcome.stderr
    return outcome.document


@contextmanager
def listening(shop: Shop) -> Iterator[str]:
    """A daemon that tells health and metrics; where."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"127.0.0.1:{free.getsockname()[1]}"
    daemon = shop.program.start("watch", "--log-format", "json", "--listen", url, as_json=False)

    def ready() -> bool | None:
        try:
            return httpx.get(f"http://{url}/health/ready").status_code == 200 or None
        except httpx.TransportError:
            return None

    try:
        wait_for(ready, "the daemon to be ready", timeout=60)
        yield f"http://{url}"
    finally:
        daemon.send_signal(signal.SIGTERM)
        _, told = daemon.communicate(timeout=60)
    assert daemon.returncode == 0, told
