"""What a wallet does next: a row of the table each, and what never happens whatever the facts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from relayclear.money.sending import AGAIN_AFTER, Act, LiveSigning, Step, next_step

SIGNINGS = st.builds(
    LiveSigning,
    st.just("AB"),
    st.none() | st.just("one"),
    st.just(1),
    st.integers(1, 300),
    st.none() | st.integers(0, 400),
)
LIVE = LiveSigning("AB", "one", 7, 200, None)


def step(
    head: int = 100,
    on_chain: int = 7,
    expected: int = 7,
    live: LiveSigning | None = None,
    queue: tuple[str, ...] = (),
    *,
    may_sign: bool = True,
) -> Step:
    return next_step(head, on_chain, expected, live, queue, may_sign=may_sign)


def test_a_sequence_that_was_used_is_read_before_anything_else() -> None:
    assert step(on_chain=8, live=LIVE, queue=("two",)) == (Act.READ, None, None, 7)


def test_a_node_that_forgot_blocks_blocks_everything() -> None:
    assert step(on_chain=6, live=LIVE, queue=("two",)).act is Act.BLOCKED


def test_bytes_that_were_never_sent_are_sent() -> None:
    assert step(live=LIVE) == (Act.BROADCAST, "one", "AB", 7)


def test_bytes_that_were_sent_lately_are_waited_for() -> None:
    sent = LiveSigning("AB", "one", 7, 200, 99)
    assert step(live=sent, queue=("two",)).act is Act.WAIT
    assert step(head=99 + AGAIN_AFTER, live=sent).act is Act.BROADCAST


def test_at_its_timeout_height_a_transaction_may_still_land() -> None:
    assert step(head=200, live=LIVE).act is Act.BROADCAST
    assert step(head=201, live=LIVE) == (Act.REPLACE, "one", "AB", 7)


def test_nothing_is_replaced_while_nothing_may_be_signed() -> None:
    assert step(head=201, live=LIVE, may_sign=False).act is Act.WAIT


def test_the_first_of_the_queue_is_signed_on_the_next_sequence() -> None:
    assert step(queue=("one", "two")) == (Act.SIGN, "one", None, 7)
    assert step(queue=("one", "two"), may_sign=False).act is Act.NOTHING
    assert step().act is Act.NOTHING


@given(
    head=st.integers(0, 400),
    on_chain=st.integers(0, 3),
    expected=st.integers(0, 3),
    live=st.none() | SIGNINGS,
    queue=st.lists(st.sampled_from(["one", "two"]), unique=True),
    may_sign=st.booleans(),
)
def test_a_new_refund_is_never_signed_beside_one_that_may_land(
    head: int, on_chain: int, expected: int, live: LiveSigning | None, queue: list[str], *, may_sign: bool
) -> None:
    found = next_step(head, on_chain, expected, live, queue, may_sign=may_sign)
    if found.act in {Act.SIGN, Act.REPLACE}:
        assert may_sign
        assert on_chain == expected == found.sequence
    if found.act is Act.SIGN:
        assert live is None
    if found.act is Act.REPLACE:
        assert live is not None
        assert head > live.timeout_height
        assert found.refund == live.refund
