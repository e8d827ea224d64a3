"""The config of one run: what it changes, what it keeps, what it can cost."""

from __future__ import annotations

import stat
import tempfile
import tomllib
from decimal import Decimal
from fractions import Fraction
from math import ceil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relayclear.errors import RefusedError, UsageError
from relayclear.hermes.config import HermesChain, load
from relayclear.hermes.derived import Wishes, capped, derived, worst_fee, written
from relayclear.ibc.coin import Coin
from relayclear.ibc.relayer import FeeCap
from tests.hermes.standin import CONFIGS

LEAST, FULL = (CONFIGS / f"{name}.toml" for name in ("v1_10", "v1_13"))
V = (1, 10, 5)
PAIR = ("injective-1", "osmosis-1")


def document(path: Path, wishes: Wishes, version: tuple[int, int, int] = V) -> dict[str, Any]:
    return tomllib.loads(derived(load(path), wishes, version))


def chain(path: Path, wishes: Wishes, version: tuple[int, int, int] = V) -> dict[str, Any]:
    first: dict[str, Any] = document(path, wishes, version)["chains"][0]
    return first


def test_everything_that_is_not_changed_is_kept_even_what_we_do_not_know() -> None:
    before = tomllib.loads(FULL.read_text())
    after = document(FULL, Wishes(PAIR, {}))
    assert after["chains"] == [before["chains"][0], {**before["chains"][1], "key_store_folder": str(home_keys())}]
    assert after["mode"] == before["mode"]
    assert after["telemetry"]["buckets"] == before["telemetry"]["buckets"]
    assert after["chains"][0]["some_future_key"]["kept"] is True


def home_keys() -> Path:
    return Path.home() / ".hermes" / "keys"


def test_servers_of_the_daemon_are_not_started_twice() -> None:
    after = document(FULL, Wishes(PAIR, {}))
    assert [after[name]["enabled"] for name in ("rest", "telemetry", "tracing_server")] == [False] * 3
    assert "rest" not in document(LEAST, Wishes(("osmosis-1", "cosmoshub-4"), {}))


def test_only_the_chains_of_the_run_can_be_signed_on() -> None:
    after = document(FULL, Wishes(("osmosis-1", "injective-1"), {}))
    assert [one["id"] for one in after["chains"]] == ["injective-1", "osmosis-1"]
    assert "penumbraspendkey" not in derived(load(FULL), Wishes(PAIR, {}), V)


def test_the_log_level_is_one_that_tells_what_went_wrong() -> None:
    assert document(CONFIGS / "v1_7.toml", Wishes(("ibc-0", "ibc-1"), {}))["global"]["log_level"] == "info"
    assert document(LEAST, Wishes(("osmosis-1",), {}))["global"] == {"log_level": "info"}


def test_the_asked_key_takes_the_place_of_the_daemons() -> None:
    after = document(FULL, Wishes(PAIR, {"injective-1": "clearing"}))
    assert [one["key_name"] for one in after["chains"]] == ["clearing", "relayer"]


def test_a_hermes_elsewhere_keeps_its_own_key_folder() -> None:
    assert "key_store_folder" not in chain(LEAST, Wishes(("osmosis-1",), {}, elsewhere=True))
    assert chain(LEAST, Wishes(("osmosis-1",), {}))["key_store_folder"] == str(home_keys())


def test_the_memo_is_overwritten_where_hermes_knows_how() -> None:
    wishes = Wishes(("osmosis-1",), {}, memo="rc1 tag")
    assert chain(LEAST, wishes, (1, 8, 1))["memo_overwrite"] == "rc1 tag"
    assert "memo_overwrite" not in chain(LEAST, wishes, (1, 8, 0))
    assert "memo_overwrite" not in chain(LEAST, Wishes(("osmosis-1",), {}))


def test_a_memo_longer_than_hermes_takes_is_refused_counted_in_bytes() -> None:
    assert chain(LEAST, Wishes(("osmosis-1",), {}, memo="x" * 50))["memo_overwrite"] == "x" * 50
    with pytest.raises(RefusedError, match="longer than Hermes' 50 bytes"):
        chain(LEAST, Wishes(("osmosis-1",), {}, memo="ü" * 26))


@pytest.mark.parametrize("wishes", [Wishes(("juno-1",), {}), Wishes(("osmosis-1",), {"juno-1": "x"})])
def test_a_chain_that_is_not_configured_is_refused(wishes: Wishes) -> None:
    with pytest.raises(UsageError, match="no chain 'juno-1'"):
        chain(LEAST, wishes)


def test_prices_survive_without_a_rounding() -> None:
    assert "price = 160000000.0\n" in derived(load(FULL), Wishes(PAIR, {}), V)
    assert "price = 0.0025\n" in derived(load(LEAST), Wishes(("osmosis-1",), {}), V)


def fee(gas: int, price: Decimal | float) -> int:
    """As Hermes computes it: the binary value of the price, rounded up."""
    return ceil(gas * Fraction(float(price)))


def test_a_cap_lowers_max_gas_to_what_it_buys() -> None:
    cap = FeeCap("osmosis-1", Coin("uosmo", 500))
    after = chain(LEAST, Wishes(("osmosis-1",), {}, (cap,)))
    assert after["max_gas"] == 199_999  # 0.0025 is a little more than 0.0025 in binary
    assert fee(199_999, 0.0025) <= 500 < fee(200_001, 0.0025)
    assert "default_gas" not in after
    assert "dynamic_gas_price" not in after


def test_a_cap_that_does_not_bind_changes_nothing() -> None:
    cap = FeeCap("osmosis-1", Coin("uosmo", 10**12))
    assert chain(LEAST, Wishes(("osmosis-1",), {}, (cap,)))["max_gas"] == 400_000


def test_default_gas_never_exceeds_the_lowered_max_gas() -> None:
    cap = FeeCap("injective-1", Coin("inj", 160_000_000 * 1000))
    after = chain(FULL, Wishes(PAIR, {}, (cap,)))
    assert (after["max_gas"], after["default_gas"]) == (1000, 1000)


def test_a_dynamic_price_is_capped_before_the_gas_is() -> None:
    cap = FeeCap("injective-1", Coin("inj", 200_000_000 * 5_000_000))
    after = chain(FULL, Wishes(PAIR, {}, (cap,)))
    assert after["dynamic_gas_price"] == {"enabled": True, "multiplier": 1.5, "max": 200_000_000.0}
    assert (after["max_gas"], after["default_gas"]) == (5_000_000, 300_000)


def test_a_cap_in_another_coin_than_the_fees_is_refused() -> None:
    with pytest.raises(RefusedError, match="in uatom, but its fees are paid in uosmo"):
        chain(LEAST, Wishes(("osmosis-1",), {}, (FeeCap("osmosis-1", Coin("uatom", 500)),)))


def test_a_cap_that_buys_no_gas_is_refused_with_the_worst_case() -> None:
    with pytest.raises(RefusedError, match="a fee cap of 0uosmo on osmosis-1 buys no gas") as caught:
        chain(LEAST, Wishes(("osmosis-1",), {}, (FeeCap("osmosis-1", Coin("uosmo", 0)),)))
    assert "1001uosmo" in (caught.value.hint or "")


def test_a_chain_without_a_price_needs_no_cap(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(LEAST.read_text().replace("0.0025", "0.0"))
    cap = FeeCap("osmosis-1", Coin("uosmo", 0))
    assert chain(path, Wishes(("osmosis-1",), {}, (cap,)))["max_gas"] == 400_000


def test_the_worst_case_of_a_dynamic_price_is_its_maximum() -> None:
    config = load(LEAST)
    assert worst_fee(config.chain("cosmoshub-4")) == Coin("uatom", fee(400_000, 0.6))
    assert worst_fee(config.chain("osmosis-1")) == Coin("uosmo", fee(400_000, 0.0025))
    assert worst_fee(config.chain("osmosis-1"), FeeCap("osmosis-1", Coin("uosmo", 500))) == Coin("uosmo", 500)


PRICES = st.decimals("0.000001", "1000000", places=6)


@given(
    price=PRICES,
    top=PRICES,
    max_gas=st.integers(0, 10**7),
    amount=st.integers(1, 10**18),
    dynamic=st.booleans(),
)
def test_no_transaction_can_cost_more_than_its_cap(
    price: Decimal, top: Decimal, max_gas: int, amount: int, *, dynamic: bool
) -> None:
    text = f"price = {price:f}, denom = 'uosmo' }}\nmax_gas = {max_gas}"
    text += f"\ndynamic_gas_price = {{ enabled = {str(dynamic).lower()}, multiplier = 1.0, max = {top:f} }}"
    configured = _configured(text)
    try:
        within = capped(configured, FeeCap("osmosis-1", Coin("uosmo", amount)))
    except RefusedError:
        assert max_gas == 0 or amount < fee(1, max(price, top))
        return
    tops = (price, within.dynamic_gas_price.max) if dynamic else (price,)
    assert fee(within.max_gas, max(tops)) <= amount
    assert within.max_gas <= max_gas


def _configured(gas: str) -> HermesChain:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "config.toml"
        path.write_text(LEAST.read_text().replace("price = 0.0025, denom = 'uosmo' }", gas, 1))
        return load(path).chain("osmosis-1")


def test_the_file_is_nobody_elses_to_read_and_is_gone_afterwards() -> None:
    with written("x = 1") as path:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        assert path.read_text() == "x = 1"
        assert path.is_absolute()
    assert not path.parent.exists()


def test_a_work_dir_holds_the_file_and_stays(tmp_path: Path) -> None:
    with written("x = 1", tmp_path) as path:
        assert path.parent == tmp_path
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == []


def test_a_work_dir_shared_with_a_group_lets_that_group_read(tmp_path: Path) -> None:
    tmp_path.chmod(0o2770)
    with written("x = 1", tmp_path) as path:
        assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_the_file_is_removed_when_the_run_fails(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), written("x = 1", tmp_path):
        _ = 1 / 0
    assert list(tmp_path.iterdir()) == []


def test_a_work_dir_that_is_not_there_is_named(tmp_path: Path) -> None:
    with (
        pytest.raises(RefusedError, match=r"no config for Hermes can be written in .*gone"),
        written("", tmp_path / "gone"),
    ):
        pass
