"""The shop that a config describes."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from relayclear.bootstrap.loading import load_hermes
from relayclear.bootstrap.shop import shop_of
from relayclear.config.loading import load
from relayclear.config.places import Places
from relayclear.errors import ConfigError
from relayclear.ibc.coin import Coin
from relayclear.ibc.units import Unit
from relayclear.money.fees import FeeSchedule, Rate
from relayclear.usecases.shop import Operator, Shop
from tests.test_bootstrap import CHAIN

SELLING = """
[chains."alpha-1"]
payee = "cosmos1payee"
[[chains."alpha-1".prices]]
denom = "stake"
service_fee = 7
per_packet_fee = 3
refund_fee = 2
dust = 1
[denoms.stake]
symbol = "STAKE"
decimals = 6
[rates."beta-1/ibc/AB"]
num = 3
den = 2
of = "stake"
[sell]
token_ttl = "10m"
gas_margin = 2.5
waiver_budget = ["5stake"]
[operator]
name = "Ada"
url = "https://relay.example"
"""


def shop(folder: Path, text: str) -> Shop:
    hermes, ours = folder / "hermes.toml", folder / "relayclear.toml"
    hermes.write_text(CHAIN.format(chain="alpha-1", kind="CosmosSdk"), "utf-8")
    ours.write_text(f'[hermes]\nconfig = "{hermes}"\n[store]\nurl = "{folder}/data/relayclear.db"\n{text}', "utf-8")
    places = Places(folder / "config", folder / "data", folder / "state", folder, folder)
    settings = load(config_path=ours, env={}, flags={}, places=places)
    return shop_of(settings, load_hermes(settings))


def test_a_shop_has_what_the_config_says(tmp_path: Path) -> None:
    made = shop(tmp_path, SELLING)
    assert made.payees == {"alpha-1": "cosmos1payee"}
    prices = made.price_list("alpha-1")
    assert prices.schedules == (FeeSchedule("stake", 7, 3, 2, 1),)
    assert (prices.gas_margin, prices.rates) == (Decimal("2.5"), {("beta-1", "ibc/AB"): Rate(3, 2, "stake")})
    assert (made.rules.token_ttl, made.rules.waiver_budget) == (600, (Coin("stake", 5),))
    assert made.operator == Operator("Ada", "https://relay.example")
    assert made.units == {"stake": Unit("STAKE", 6)}
    assert made.prefixes == {"alpha-1": "cosmos"}


def test_quotes_lie_beside_the_database_and_keys_in_the_config_folder(tmp_path: Path) -> None:
    made = shop(tmp_path, "")
    assert made.quotes_file == tmp_path / "data" / "quotes.jsonl"
    made.keys.create(load_time())
    assert [path.name for path in (tmp_path / "config" / "keys").iterdir()] == ["quote-001.json"]


def load_time() -> datetime:

    return datetime(2026, 11, 22, tzinfo=UTC)


def test_nothing_is_sold_where_the_config_says_nothing(tmp_path: Path) -> None:
    made = shop(tmp_path, "")
    assert made.payees == {}
    with pytest.raises(ConfigError, match="has no payee"):
        made.payee("alpha-1")


def test_two_prices_in_one_denom_are_refused(tmp_path: Path) -> None:
    twice = '[[chains."alpha-1".prices]]\ndenom = "stake"\n' * 2
    with pytest.raises(ConfigError, match="names the denom"):
        shop(tmp_path, twice)
