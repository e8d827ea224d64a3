"""How far a packet's memo sends it."""

from __future__ import annotations

import json

import pytest

from relayclear.ibc.forwarding import hops

ONE = {"forward": {"receiver": "osmo1x", "port": "transfer", "channel": "channel-0"}}


def nested(depth: int, *, as_text: bool) -> str:
    memo: object = ONE
    for _ in range(depth - 1):
        memo = {"forward": {**ONE["forward"], "next": json.dumps(memo) if as_text else memo}}
    return json.dumps(memo)


@pytest.mark.parametrize("memo", ["", "hello", "{", "[]", "null", '{"forward": "x"}', '{"wasm": {}}', "[" * 100_000])
def test_a_memo_that_sends_it_nowhere_is_one_hop(memo: str) -> None:
    assert hops(memo) == 1


@pytest.mark.parametrize("as_text", [True, False])
@pytest.mark.parametrize("depth", [1, 2, 3])
def test_every_hop_is_counted_however_the_next_one_is_written(depth: int, *, as_text: bool) -> None:
    assert hops(nested(depth, as_text=as_text)) == depth + 1


def test_a_memo_that_nests_for_ever_ends() -> None:
    assert hops(nested(200, as_text=False)) == 33
