"""What Hermes is told, and what it tells: no option out of a chain's data, no secret out of its config."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from relayclear.errors import ConfigError, RefusedError
from relayclear.hermes.config import load, secrets
from relayclear.hermes.output import KEPT, Transcript
from relayclear.hermes.relayer import HermesRelayer
from relayclear.ibc.packet import ChannelEnd
from relayclear.ibc.relayer import RelayRun
from relayclear.ibc.text import hiding, url_secrets
from tests.hermes.standin import CONFIGS, config, job, relayer

MARKED = "/started"


def cleared(hermes: HermesRelayer, source: ChannelEnd) -> RelayRun:
    async def run() -> RelayRun:
        keys = [hermes.key(chain) for chain in ("ibc-0", "ibc-1")]
        async with hermes.holding(keys):
            return await hermes.clear(replace(job(), source=source), lambda _: None)

    return asyncio.run(run())


@pytest.mark.parametrize("name", ["--config=/tmp/evil.toml", "-x", "", "channel-0 --port evil", "a\0b", "channel-0\n"])
@pytest.mark.parametrize("field", ["port", "channel"])
def test_a_name_out_of_a_chain_or_database_becomes_an_option_of_hermes(tmp_path: Path, name: str, field: str) -> None:
    hermes = relayer(tmp_path, f'open({str(tmp_path)!r} + "{MARKED}", "w")')
    end = ChannelEnd("ibc-0", "transfer", "channel-0")._replace(**{field: name})
    with pytest.raises(RefusedError, match="can't name a channel end; nothing was started"):
        cleared(hermes, end)
    assert not Path(f"{tmp_path}{MARKED}").exists()


@pytest.mark.parametrize("name", ["--config", "-1", "", "a/b", "a b", "cosmos\\u0007hub", "x" * 65])
def test_a_chain_named_like_an_option_is_taken_out_of_a_config(tmp_path: Path, name: str) -> None:
    text = (CONFIGS / "v1_10.toml").read_text(encoding="utf-8")
    known = load(CONFIGS / "v1_10.toml").chains[0].id
    path = tmp_path / "config.toml"
    path.write_text(text.replace(f"'{known}'", f'"{name}"').replace(f'"{known}"', f'"{name}"'), encoding="utf-8")
    with pytest.raises(ConfigError, match="can't be the id of a chain"):
        load(path)


def test_the_pieces_of_an_address_that_nobody_may_see_are_known_one_by_one() -> None:
    url = "https://ada:p%40ssw0rd@node.example:443/v1/0123456789abcdef0123/rpc?token=tok-12345&tls=true#x"
    found = url_secrets(url)
    assert {"p%40ssw0rd", "p@ssw0rd", "0123456789abcdef0123"} <= found
    assert any("tok-12345" in piece for piece in found)
    assert not {"true", "rpc", "ada", "node.example:443"} & found
    assert url_secrets("https://lonely-key@node.example") == {"lonely-key"}
    assert url_secrets("http://127.0.0.1:26657") == set()


def test_an_address_taken_apart_by_hermes_shows_its_password(tmp_path: Path) -> None:
    hermes = relayer(
        tmp_path,
        """
        log('Url { scheme: "http", username: "ada", password: Some("canary-password"), query: Some("canary-token") }')
        log("canary-password is wrong", "ERROR")
        print("panicked at canary-token", file=sys.stderr)
        say('{"status":"error","result":"could not reach canary-password"}')
        """,
    )
    first, second = hermes.config.tables["chains"]
    tables = {
        "chains": [
            {**first, "rpc_addr": "http://ada:canary-password@127.0.0.1:27030/"},
            {**second, "event_source": {"mode": "push", "url": "ws://127.0.0.1:1/websocket?key=canary-token"}},
        ]
    }
    assert secrets(tables) >= {"canary-password", "canary-token"}
    told = HermesRelayer(replace(hermes.config, tables=tables), hermes.program, lock_folder=tmp_path / "locks")
    run = cleared(told, job().source)
    assert "canary" not in run.output + " ".join(run.complaints) + repr(run)
    assert "***" in run.output
    assert len(run.complaints) == 2


def test_a_url_that_the_cut_of_a_long_output_went_through_shows_its_password() -> None:
    transcript = Transcript()
    url = b"http://ada:canary-password@node.example/\n"
    # The kept tail begins in the middle of the first URL.
    transcript.feed_stdout(url + b"x" * (KEPT - len(url) + len(b"http://a")) + b"\n")
    transcript.feed_stderr(b"y" * 10 + url + b"z" * (KEPT - 30) + b"\n")
    assert "canary" not in transcript.output + transcript.error_text


def test_nothing_is_hidden_where_there_is_no_secret() -> None:
    assert hiding(secrets(dict(config_tables())))("as it is") == "as it is"


def config_tables() -> dict[str, object]:
    return dict(load(CONFIGS / "v1_10.toml").tables)


def test_the_stand_ins_own_config_loads(tmp_path: Path) -> None:
    assert secrets(config(tmp_path).tables) == set()
