"""The first config: what is chosen stands in it, it can be read back, and nobody's config is lost to it."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import pytest

from relayclear.config.loading import load
from relayclear.config.places import Places
from relayclear.config.showing import entries, render_example
from relayclear.config.writing import config_text, refuse_existing, write_config
from relayclear.errors import ConfigError, UsageError

CHOSEN: dict[str, Any] = {
    "hermes": [{"config": '/a "b"/c\\d.toml'}, {"config": "/e.toml", "command": ["docker", "exec", "x", "hermes"]}],
    "chains": {
        "alpha-1": {
            "payee": "alpha1x",
            "prices": [
                {"denom": "stake", "service_fee": 10**30, "per_packet_fee": 7},
                {"denom": "token", "service_fee": 5},
            ],
        },
        "beta-1": {"clearing_key": "clear"},
    },
    "refunds": {"mode": "auto", "max_each": ["5stake"]},
}


def test_a_chosen_value_is_lost_or_changes_what_nobody_chose(tmp_path: Path, places: Places) -> None:
    file = tmp_path / "config.toml"
    file.write_text(config_text(CHOSEN, places), encoding="utf-8")
    read = load(config_path=file, env={}, flags={}, places=places)
    assert [str(one.config) for one in read.hermes] == ['/a "b"/c\\d.toml', "/e.toml"]
    assert read.hermes[1].command == ("docker", "exec", "x", "hermes")
    alpha, beta = read.chains["alpha-1"], read.chains["beta-1"]
    assert (alpha.payee, alpha.clearing_key, beta.payee, beta.clearing_key) == ("alpha1x", "", "", "clear")
    assert [(price.denom, price.service_fee, price.per_packet_fee) for price in alpha.prices] == [
        ("stake", 10**30, 7),
        ("token", 5, 100000),
    ]
    assert (read.refunds.mode, [str(coin) for coin in read.refunds.max_each]) == ("auto", ["5stake"])
    defaults = load(config_path=None, env={}, flags={}, places=places)
    kept = {entry.key: entry.value for entry in entries(read)}
    changed = {entry.key for entry in entries(defaults) if kept.get(entry.key) != entry.value}
    assert changed == {"refunds.mode", "refunds.max_each"} | {key for key in changed if key.startswith("hermes.")}


def test_every_key_of_the_example_stands_in_a_chosen_config_too(places: Places) -> None:
    lines = set(config_text(CHOSEN, places).splitlines())
    kept = [line for line in render_example().splitlines() if line.startswith(("# ", "[scan]", "token_ttl", "workers"))]
    assert [line for line in kept[1:] if line not in lines] == []


def test_a_value_that_no_reader_takes_is_written(places: Places) -> None:
    with pytest.raises(ConfigError, match=r"max_each is .*expected") as caught:
        config_text({"refunds": {"max_each": ["stake"]}}, places)
    assert caught.value.message.startswith("refunds.max_each")


def test_a_config_that_is_there_is_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text("mine", encoding="utf-8")
    with pytest.raises(UsageError, match="is there already"):
        refuse_existing(file)
    with pytest.raises(UsageError, match="is there already") as caught:
        write_config(file, "new", replace=False)
    assert "--force" in (caught.value.hint or "")
    assert file.read_text(encoding="utf-8") == "mine"
    assert [*tmp_path.iterdir()] == [file]


def test_a_forced_config_costs_the_one_before_it_or_the_one_before_that(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    assert write_config(file, "first", replace=True) is None
    copies = [write_config(file, text, replace=True) for text in ("second", "third")]
    assert copies == [tmp_path / "config.toml.old-1", tmp_path / "config.toml.old-2"]
    told = {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()}
    assert told == {"config.toml": "third", "config.toml.old-1": "first", "config.toml.old-2": "second"}


def test_others_may_read_a_new_config_or_look_into_its_folder(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        file = tmp_path / "new" / "config.toml"
        write_config(file, "…", replace=False)
    finally:
        os.umask(before)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_a_folder_that_cannot_be_written_is_a_traceback(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(ConfigError, match="can't be written"):
        write_config(tmp_path / "file" / "config.toml", "x", replace=False)
