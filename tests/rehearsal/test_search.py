"""What a query finds: the language, and the rules by which CometBFT 0.38 indexes (compared with two running nodes)."""

from __future__ import annotations

import pytest

from relayclear.rehearsal.chain import Block, Chain, TxResult
from relayclear.rehearsal.events import Event, event
from relayclear.rehearsal.query_language import Condition, QueryError, Token, matches, parse
from relayclear.rehearsal.search import Index
from relayclear.rehearsal.staging import ALPHA
from relayclear.rehearsal.transactions import hash_of


def chain_of(*blocks: list[tuple[Event, ...]], block_events: dict[int, tuple[Event, ...]] | None = None) -> Chain:
    """A chain whose transactions emitted these events, block by block."""
    made = Chain(ALPHA, {})
    for height, txs in enumerate(blocks, 1):
        raw = tuple(f"{height}/{place}".encode() for place in range(len(txs)))
        results = tuple(TxResult(events=events) for events in txs)
        made.blocks.append(Block(height, height, raw, results, (block_events or {}).get(height, ())))
        for place, (one, result) in enumerate(zip(raw, results, strict=True)):
            made.places[hash_of(one)] = (height, place)
            for found in result.events:
                for key, value in found.attributes:
                    made.index.setdefault((f"{found.type}.{key}", value), []).append((height, place))
        for found in made.blocks[-1].events:
            for key, value in found.attributes:
                made.block_index.setdefault((f"{found.type}.{key}", value), []).append(height)
    return made


def sent(sequence: int, channel: str = "channel-0") -> Event:
    return event("send_packet", packet_sequence=sequence, packet_src_channel=channel)


OPERATORS = "<= operator, >= operator, < operator, > operator, = operator, CONTAINS operator or EXISTS operator"
PACKETS = chain_of(
    [(sent(1),)],
    [],
    [(sent(2), sent(3, "channel-1")), (sent(3),)],
    [(sent(30), event("tx", acc_seq="cosmos1abc/7")), (event("transfer", amount="5stake"),)],
)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("tx.height>0", [(1, 0), (3, 0), (3, 1), (4, 0), (4, 1)]),
        ("tx.height=3", [(3, 0), (3, 1)]),
        ("tx.height='3'", [(3, 0), (3, 1)]),
        ("tx.height=2", []),
        ("tx.height>=2 AND tx.height<4", [(3, 0), (3, 1)]),
        ("send_packet.packet_sequence='3'", [(3, 0), (3, 1)]),
        ("send_packet.packet_sequence=3", [(3, 0), (3, 1)]),
        ("send_packet.packet_sequence>=3", [(3, 0), (3, 1), (4, 0)]),
        ("send_packet.packet_sequence>1 AND send_packet.packet_sequence<3", [(3, 0)]),
        ("send_packet.packet_sequence CONTAINS '3'", [(3, 0), (3, 1), (4, 0)]),
        ("send_packet.packet_sequence EXISTS AND tx.height>3", [(4, 0)]),
        ("send_packet.packet_sequence='3' AND tx.height=1", []),
        ("tx.acc_seq='cosmos1abc/7'", [(4, 0)]),
        ("transfer.amount>1", []),
        ("a.b='c'", []),
    ],
)
def test_a_search_finds_what_a_real_index_finds(query: str, found: list[tuple[int, int]]) -> None:
    assert Index(PACKETS).transactions(query) == found


def test_conditions_must_hold_in_one_and_the_same_event() -> None:
    query = "send_packet.packet_sequence='{}' AND send_packet.packet_src_channel='channel-0'"
    assert Index(PACKETS).transactions(query.format(2)) == [(3, 0)]
    # The first transaction of block 3 sent 2 over channel-0 and 3 over channel-1.
    assert Index(PACKETS).transactions(query.format(3)) == [(3, 1)]


def test_a_value_is_found_by_its_part_before_a_slash_as_the_keys_of_the_index_are_split() -> None:
    assert Index(PACKETS).transactions("tx.acc_seq='cosmos1abc'") == [(4, 0)]
    assert Index(PACKETS).transactions("tx.acc_seq='cosmos1ab'") == []


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("tx.height<4 AND tx.height<900", [(1, 0), (3, 0), (3, 1), (4, 0), (4, 1)]),
        ("tx.height=1 AND tx.height=3", [(1, 0)]),
        ("tx.height=1 AND tx.height>3", [(4, 0), (4, 1)]),
        ("send_packet.packet_sequence='1' AND tx.height=0", [(1, 0)]),
        ("tx.height=0", []),
        ("tx.height='abc'", []),
        ("tx.height EXISTS", [(1, 0), (3, 0), (3, 1), (4, 0), (4, 1)]),
        ("tx.height EXISTS AND send_packet.packet_sequence='1'", []),
        ("tx.height > TIME 2020-01-01T00:00:00Z", []),
    ],
)
def test_the_oddities_of_heights_are_those_of_the_real_index(query: str, found: list[tuple[int, int]]) -> None:
    assert Index(PACKETS).transactions(query) == found


def test_a_hash_outranks_every_other_condition() -> None:
    name = hash_of(b"3/1")
    assert Index(PACKETS).transactions(f"tx.height=1 AND tx.hash='{name.lower()}'") == [(3, 1)]
    assert Index(PACKETS).transactions("tx.hash='00'") == []
    with pytest.raises(QueryError, match="invalid byte: U\\+007A 'z'"):
        Index(PACKETS).transactions("tx.hash='zz'")
    with pytest.raises(QueryError, match="transaction hash cannot be empty"):
        Index(PACKETS).transactions("tx.hash=''")


def test_an_index_follows_the_chain_it_was_made_for() -> None:
    growing = chain_of([(sent(1),)])
    index = Index(growing)
    assert index.transactions("send_packet.packet_sequence EXISTS") == [(1, 0)]
    more = chain_of([], [(sent(9),)])
    growing.blocks.append(more.blocks[1])
    growing.index.update(more.index)
    assert index.transactions("send_packet.packet_sequence EXISTS") == [(1, 0), (2, 0)]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("block.height=2", [2]),
        ("block.height>1 AND block.height<=3", [2, 3]),
        ("block.height=9", []),
        ("block.height=0", []),
        ("send_packet.packet_sequence='4'", [2]),
        ("send_packet.packet_sequence EXISTS AND block.height>2", [3]),
        ("send_packet.packet_sequence='4' AND send_packet.packet_src_channel='channel-1'", []),
        ("send_packet.packet_src_channel='channel'", []),
    ],
)
def test_a_search_for_blocks_finds_those_with_events_of_their_own(query: str, found: list[int]) -> None:
    own = {2: (sent(4), sent(5, "channel-1")), 3: (sent(6),)}
    assert Index(chain_of([], [], [], block_events=own)).blocks(query) == found


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("", "offset 0: EOF"),
        ("foo", "offset 3: EOF"),
        ("a.b=", "offset 4: EOF"),
        ("a.b='x", "offset 4: EOF"),
        ("tx.height=5 AND", "offset 15: EOF"),
        ("a.b='x' OR c.d='y'", "offset 8: got tag, want 6"),
        ("a.b='x' !", "offset 8: got invalid token, want 6"),
        ("a.b CONTAINS 5", "offset 13: got number, wanted string"),
        ("a.b < 'x'", "offset 6: got string, wanted number, timestamp or datestamp"),
        ("'a'", "offset 0: got string, wanted tag"),
        ("a.b ! 4", "offset 4: invalid input ! at offset 5"),
        ("a.b c", f"offset 4: got tag, wanted {OPERATORS}"),
        (
            "a.b = TIME 2020",
            'offset 6: invalid TIME value: parsing time "2020" as "2006-01-02T15:04:05Z07:00": cannot parse "" as "-"',
        ),
    ],
)
def test_a_query_that_can_not_be_read_is_refused_in_the_nodes_words(query: str, said: str) -> None:
    with pytest.raises(QueryError) as refused:
        parse(query)
    assert str(refused.value) == said


def test_every_kind_of_argument_is_read() -> None:
    query = "a.b='x y' AND c.d>=1.5 AND e EXISTS AND f.g = DATE 2026-01-02 AND h.i < TIME 2026-01-02T03:04:05Z"
    assert parse(query) == [
        Condition("a.b", Token.EQUAL, Token.STRING, "x y"),
        Condition("c.d", Token.MORE_EQUAL, Token.NUMBER, "1.5"),
        Condition("e", Token.EXISTS),
        Condition("f.g", Token.EQUAL, Token.DATE, "2026-01-02"),
        Condition("h.i", Token.LESS, Token.TIME, "2026-01-02T03:04:05Z"),
    ]


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("tm.event='Tx'", True),
        ("tm.event='NewBlock'", False),
        ("tm.event='Tx' AND transfer.recipient='b'", True),
        ("transfer.amount=5", True),
        ("transfer.amount>5", True),
        ("transfer.amount<5", False),
        ("transfer.amount CONTAINS 'stake'", True),
        ("transfer EXISTS", True),
        ("nothing EXISTS", False),
        ("a.when > DATE 2026-01-01", True),
        ("a.when < TIME 2026-01-01T00:00:00Z", False),
    ],
)
def test_a_subscription_is_told_of_what_it_asked_for_and_nothing_else(query: str, wanted: bool) -> None:  # noqa: FBT001
    told = {
        "tm.event": ["Tx"],
        "transfer.recipient": ["a", "b"],
        "transfer.amount": ["5stake", "7"],
        "a.when": ["2026-05-01"],
    }
    assert matches(parse(query), told) is wanted
    assert not matches(parse(query), {})
