"""What is said when the config is wrong: which key, what was found, what is expected."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from relayclear.config.loading import examine, load
from relayclear.config.places import Places
from relayclear.errors import ConfigError

Problems = Callable[[str], list[str]]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[scan]\nstuck_afer = 1", "unknown key scan.stuck_afer; did you mean stuck_after?"),
        ("[scna]\ninterval = 1", "unknown key scna; did you mean scan?"),
        ("stuck_after = 1", "unknown key stuck_after; did you mean scan.stuck_after?"),
        ("[chains.a-1]\nrcp = []", "unknown key chains.a-1.rcp; did you mean rpc?"),
        ("[chains.a-1]\ndenom = 1", "unknown key chains.a-1.denom; did you mean chains.*.prices.denom?"),
        (
            '[[chains.a-1.prices]]\ndenom = "ux"\nfee = 1',
            "unknown key chains.a-1.prices[0].fee; did you mean chains.*.prices.refund_fee?",
        ),
        ("[[hermes]]\nconfg = 1\n", "unknown key hermes.confg; did you mean config?"),
        ('[alerts]\nxyzzy = "q"', "unknown key alerts.xyzzy; known: webhook"),
        ('"\\u001b[31m" = 1', 'unknown key "\\u001b[31m"; known: hermes, scan'),
    ],
)
def test_an_unknown_key_is_named_in_full_with_the_nearest_known_one(
    problems_of: Problems, text: str, said: str
) -> None:
    (problem,) = problems_of(text)
    assert problem.startswith(said)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[scan]\nstuck_after = "soon"', 'scan.stuck_after is "soon"; expected a duration like "60s"'),
        ("[scan]\nstuck_after = -1", "scan.stuck_after is -1; expected a duration"),
        ("[scan]\nstuck_after = true", "scan.stuck_after is true; expected a duration"),
        ("[scan]\ninterval = 0", "scan.interval is 0; expected a duration"),
        ('[scan]\nrpc_budget = "20"', 'scan.rpc_budget is "20"; expected a whole number of at least 1'),
        ("[scan]\nrpc_budget = 1.5", "scan.rpc_budget is 1.5; expected a whole number of at least 1"),
        ("[scan]\nrpc_budget = 2026-01-01", "scan.rpc_budget is 2026-01-01; expected a whole number"),
        ("scan = 5", "scan is 5; expected a table"),
        ("chains = []", "chains is an empty list; expected tables like [chains.osmosis-1]"),
        ("[chains]\na-1 = 5", "chains.a-1 is 5; expected a table"),
        ('[chains.a-1]\nrpc = "http://a"', 'chains.a-1.rpc is "http://a"; expected a list of http or https URLs'),
        ('[chains.a-1]\nrpc = ["ftp://a"]', "chains.a-1.rpc is a list; expected a list of http or https URLs"),
        ('[chains.a-1]\nrpc = [{ url = "http://a", trust = true }]', "chains.a-1.rpc is a list (a table there has"),
        ('[chains.a-1]\nrpc = [{ url = "http://a", trusted = "no" }]', "chains.a-1.rpc is a list (trusted is true or"),
        ("[chains.a-1]\nrpc = [{ trusted = true }]", "chains.a-1.rpc is a list; expected"),
        ('[chains.a-1]\nrpc = ["http://a:x"]', "chains.a-1.rpc is a list (Port could not be cast"),
        ("[chains.a-1.prices]\ndenom = 'ux'", "chains.a-1.prices is a table; expected tables under [[chains.a-1."),
        ("[[chains.a-1.prices]]\ndust = 1", "chains.a-1.prices[0].denom is missing; expected a denom in quotes"),
        ("[[chains.a-1.prices]]\ndenom = 5", "chains.a-1.prices[0].denom is 5; expected a denom in quotes"),
        ("[[chains.a-1.prices]]\ndenom = '!'", 'chains.a-1.prices[0].denom is "!"; expected a denom in quotes'),
        ("[denoms.uosmo]\nsymbol = 'OSMO'", "denoms.uosmo.decimals is missing; expected a whole number from 0 to 36"),
        ('[rates]\n"a/b" = { num = 0, den = 1, of = "uc" }', 'rates."a/b".num is 0; expected a whole number'),
        ("[sell]\ngas_margin = 0.5", "sell.gas_margin is 0.5; expected a number of at least 1"),
        ("[sell]\ngas_margin = inf", "sell.gas_margin is Infinity; expected a number of at least 1"),
        ("[sell]\ngas_margin = nan", "sell.gas_margin is NaN; expected a number of at least 1"),
        ('[sell]\ngas_margin = "2"', 'sell.gas_margin is "2"; expected a number of at least 1'),
        ('[refunds]\nmode = "yes"', 'refunds.mode is "yes"; expected one of "approve", "auto"'),
        ("[refunds]\nmax_each = [5]", "refunds.max_each is a list; expected a list of coins"),
        ('[refunds]\nmax_each = "5uosmo"', 'refunds.max_each is "5uosmo"; expected a list of coins'),
        ('[refunds]\nmax_each = ["-5uosmo"]', "refunds.max_each is a list ('-5uosmo' is not a coin"),
        ('[refunds]\nmax_each = ["5ux", "6ux"]', "refunds.max_each is a list (a denom stands there twice)"),
        ('[operator]\nurl = "example.org"', 'operator.url is "example.org"; expected an http or https URL'),
        ('[watch]\nlisten = "9464"', 'watch.listen is "9464"; expected an address like'),
        ('[watch]\nlisten = "127.0.0.1:70000"', 'watch.listen is "127.0.0.1:70000"; expected an address'),
        ("[relayers]\nours = [5]", "relayers.ours is a list; expected a list of texts"),
        ('[hermes]\ncommand = "hermes"', 'hermes.command is "hermes"; expected a list of words'),
        ("[hermes]\ncommand = []", "hermes.command is an empty list; expected a list of words"),
        ('[hermes]\nconfig = ""', 'hermes.config is ""; expected a path'),
        ('[keys]\ndir = "a\\u0000b"', 'keys.dir is "a\\u0000b"; expected a path'),
        ('hermes = "x"', 'hermes is "x"; expected a table'),
        ('[store]\nurl = "postgresql://u:secret@h/d"', 'store.url is "postgresql://***@h/d" (postgresql databases'),
    ],
)
def test_a_wrong_value_is_named_with_what_was_found_and_what_is_expected(
    problems_of: Problems, text: str, said: str
) -> None:
    (problem,) = problems_of(text)
    assert problem.startswith(said)


def test_the_same_denom_or_hermes_config_twice_is_refused(problems_of: Problems) -> None:
    price = '[[chains.a-1.prices]]\ndenom = "ux"\n'
    assert problems_of(price * 2) == ['chains.a-1.prices names the denom "ux" twice']
    (problem,) = problems_of('[[hermes]]\nconfig = "/h.toml"\n' * 2)
    assert problem == 'hermes names the config "/h.toml" twice'


def test_all_problems_are_found_in_one_pass_and_load_tells_that_there_are_more(
    config_file: Path, places: Places
) -> None:
    config_file.write_text(
        "[scan]\ninterval = 'x'\nfoo = 1\n[watch]\nworkers = 0\n[[hermes]]\nconfig = 1\n[[hermes]]\nconfig = '/h'\n"
    )
    env = {"RELAYCLEAR_SCAN_RPC_BUDGET": "many"}
    settings, problems = examine(config_path=config_file, env=env, flags={}, places=places)
    assert len(problems) == 5
    assert settings.scan.interval == 60
    assert settings.hermes[0].config == places.home / ".hermes/config.toml"
    with pytest.raises(ConfigError) as caught:
        load(config_path=config_file, env=env, flags={}, places=places)
    assert caught.value.hint == "relayclear config validate shows 4 more"


def test_a_wrong_variable_and_a_wrong_flag_are_blamed_not_the_file(config_file: Path, places: Places) -> None:
    config_file.write_text("[scan]\nrpc_budget = 5\n")
    for env, flags, said in (
        ({"RELAYCLEAR_SCAN_RPC_BUDGET": "0"}, {}, "the variable RELAYCLEAR_SCAN_RPC_BUDGET is 0; expected a whole"),
        ({"RELAYCLEAR_SELL_GAS_MARGIN": "x"}, {}, 'the variable RELAYCLEAR_SELL_GAS_MARGIN is "x"; expected'),
        ({}, {"scan.stuck_after": "soon"}, 'the flag for scan.stuck_after is "soon"; expected a duration'),
    ):
        with pytest.raises(ConfigError) as caught:
            load(config_path=config_file, env=env, flags=flags, places=places)
        assert caught.value.message.startswith(said)


def test_a_misspelt_variable_is_refused_and_one_of_another_program_is_not(places: Places) -> None:
    env = {"RELAYCLEAR_SCAN_STUCKAFTER": "5m", "RELAYCLEAR_LOCALNET": "require"}
    with pytest.raises(ConfigError) as caught:
        load(config_path=None, env=env, flags={}, places=places)
    assert caught.value.message == (
        "the variable RELAYCLEAR_SCAN_STUCKAFTER sets no key; did you mean RELAYCLEAR_SCAN_STUCK_AFTER?"
    )


def test_a_named_file_that_is_not_there_is_an_error_and_says_who_named_it(places: Places, tmp_path: Path) -> None:
    gone = tmp_path / "gone.toml"
    for path, env, name in ((gone, {}, "--config"), (None, {"RELAYCLEAR_CONFIG": str(gone)}, "RELAYCLEAR_CONFIG")):
        with pytest.raises(ConfigError) as caught:
            load(config_path=path, env=env, flags={}, places=places)
        assert caught.value.message == f"{gone}: no such file"
        assert caught.value.hint is not None
        assert name in caught.value.hint


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"[scan]\ninterval = \n", "not valid TOML: Invalid value (at line 2, column 12)"),
        (b"[scan]\n[scan]\n", "not valid TOML: Cannot declare ('scan',) twice (at line 2"),
        (b"[scan]\n# \xff\n", "not UTF-8 (at line 2)"),
        (b"a = " + b"[" * 100_000, "not valid TOML: "),
        (b"a = " + b"9" * 5000, "not valid TOML: "),
    ],
)
def test_a_file_that_is_not_toml_is_said_to_be_so_with_the_line(
    config_file: Path, places: Places, data: bytes, said: str
) -> None:
    config_file.write_bytes(data)
    with pytest.raises(ConfigError) as caught:
        load(config_path=config_file, env={}, flags={}, places=places)
    assert caught.value.message.startswith(f"{config_file}: {said}")


def test_a_byte_order_mark_does_not_spoil_the_file(config_file: Path, places: Places) -> None:
    config_file.write_bytes(b"\xef\xbb\xbf[scan]\nrpc_budget = 3\n")
    assert load(config_path=config_file, env={}, flags={}, places=places).scan.rpc_budget == 3


def test_a_file_that_cannot_be_read_is_a_sentence_not_a_traceback(config_file: Path, places: Places) -> None:
    config_file.mkdir()
    with pytest.raises(ConfigError) as caught:
        load(config_path=config_file, env={}, flags={}, places=places)
    assert caught.value.message == f"{config_file}: can't be read: Is a directory"
