"""Facts of any shape that the store must give back unchanged."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import strategies as st

from relayclear.clearing.operation import Attempt, Operation, PacketAfter, PacketBefore
from relayclear.ibc.coin import Coin
from relayclear.ibc.fate import Doer, Fate
from relayclear.ibc.packet import MAX_SEQUENCE, ChannelEnd, Height, Packet, PacketKey, SequenceRanges
from relayclear.ibc.readings import RelayStep, RelayTx
from relayclear.ibc.relayer import RelayEvent, RelayRun
from relayclear.ibc.triage import PacketClass

texts = st.text(max_size=12)
sequences = st.integers(1, 2**63 - 1)
heights = st.dictionaries(texts, st.integers(0, 2**63 - 1), max_size=2)
times = st.datetimes(datetime(2000, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis wants them bare
ends = st.builds(ChannelEnd, texts, texts, texts)
keys = st.builds(PacketKey, texts, texts, texts, sequences)
coins = st.builds(Coin, texts, st.integers(0, 2**256))
argvs = st.lists(texts, max_size=3).map(tuple)

packets = st.builds(
    Packet,
    keys,
    ends,
    st.binary(max_size=40),
    st.builds(Height, st.integers(0, MAX_SEQUENCE), st.integers(0, MAX_SEQUENCE)),
    st.integers(0, MAX_SEQUENCE),
    st.none() | texts,
    st.none() | st.integers(0, 2**63 - 1),
    st.none() | times,
    verified=st.just(value=True),
)

_before = st.builds(
    PacketBefore,
    sequences,
    st.none() | st.sampled_from(PacketClass),
    st.none() | st.binary(min_size=32, max_size=32),
    heights,
    st.none() | texts,
)
_txs = st.builds(
    RelayTx,
    texts,
    st.sampled_from(RelayStep),
    texts,
    st.integers(0, 2**63 - 1),
    st.none() | times,
    texts,
    st.lists(coins, max_size=2).map(tuple),
    st.integers(0, 2**63 - 1),
    st.none() | st.binary(max_size=8),
)
_after = st.builds(
    PacketAfter,
    sequences,
    st.sampled_from(Fate),
    st.sampled_from(Doer),
    st.none() | st.booleans(),
    st.none() | st.booleans(),
    st.none() | st.booleans(),
    heights,
    st.lists(_txs, max_size=2).map(tuple),
    st.none() | texts,
)
_runs = st.builds(
    RelayRun,
    texts,
    argvs,
    st.none() | st.integers(-64, 255),
    st.floats(0, 1e9),
    st.booleans(),
    st.lists(st.builds(RelayEvent, texts, keys), max_size=2).map(tuple),
    argvs,
    texts,
)


@st.composite
def attempts(draw: st.DrawFn, number: int, *, ended: bool) -> Attempt:
    before = draw(st.lists(_before, max_size=3, unique_by=lambda packet: packet.sequence))
    after = draw(st.lists(_after, max_size=3, unique_by=lambda packet: packet.sequence)) if ended else []
    return Attempt(
        number,
        draw(times),
        tuple(before),
        draw(argvs),
        draw(st.none() | _runs),
        tuple(after),
        tuple(draw(st.lists(keys, max_size=2))) if ended else (),
        draw(times) if ended else None,
    )


@st.composite
def operations(draw: st.DrawFn) -> Operation:
    """An operation with up to three attempts, of which only the newest may be open."""
    count = draw(st.integers(0, 3))
    last_ended = draw(st.booleans())
    tried = tuple(draw(attempts(number, ended=number < count or last_ended)) for number in range(1, count + 1))
    ranges = draw(st.lists(st.tuples(st.integers(1, MAX_SEQUENCE), st.integers(0, 9)), max_size=3))
    return Operation(
        draw(st.text(min_size=1, max_size=12)),
        draw(times),
        draw(ends),
        draw(ends),
        SequenceRanges((first, min(first + more, MAX_SEQUENCE)) for first, more in ranges),
        tried,
        draw(st.none() | times),
    )
