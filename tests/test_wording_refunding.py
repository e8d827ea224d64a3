"""Every state, gate, wait and cause of a refund has a sentence."""

from __future__ import annotations

from relayclear.money.policy import Gate, NeedsApproval
from relayclear.money.refund_state import RefundState, Said
from relayclear.money.refunds import Cause, Wait
from relayclear.usecases.refund_sweeps import Goes
from relayclear.wording import refunding


def test_a_state_a_gate_or_a_cause_has_no_words() -> None:
    assert set(refunding.REFUNDS) == set(RefundState)
    assert set(refunding.GATES) == {*Gate, *NeedsApproval}
    assert set(refunding.WAITS) == set(Wait)
    assert set(refunding.CAUSES) == set(Cause)
    assert set(refunding.SAIDS) == set(Said)
    assert set(refunding.PLANS) == set(Goes)


def test_two_states_can_only_be_told_apart_by_their_colour() -> None:
    for table in (refunding.REFUNDS, refunding.PLANS):
        words = [word.word for word in table.values()]
        assert len(set(words)) == len(words)
        assert all(word.glyph and word.meaning for word in table.values())
