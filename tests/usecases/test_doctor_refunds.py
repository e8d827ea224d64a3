"""Doctor says before the first refund is due what would keep it from being sent."""

from __future__ import annotations

from dataclasses import replace

import pytest

from relayclear.usecases.doctor_facts import ChainFacts, RefundFacts, Severity
from relayclear.usecases.doctor_refunds import check_refunds

PAYEE = "cosmos1payee"
CHAIN = ChainFacts("alpha-1", "cosmos", (), "", payee=PAYEE)
WELL = RefundFacts(PAYEE, witnessed=True)


def found(refunds: RefundFacts) -> dict[str, Severity]:
    return {one.check: one.severity for one in check_refunds(CHAIN, refunds)}


def test_where_all_is_well_it_says_what_it_looked_at() -> None:
    assert found(WELL) == {"wallet": Severity.OK, "second_word": Severity.OK}


def test_where_nothing_is_sold_nothing_is_said() -> None:
    assert check_refunds(replace(CHAIN, payee=""), WELL) == []
    assert check_refunds(CHAIN, None) == []


@pytest.mark.parametrize(
    ("refunds", "severity", "says"),
    [
        (replace(WELL, key=""), Severity.WARN, "refunds export"),
        (replace(WELL, key="cosmos1other"), Severity.FAIL, "cosmos1other"),
        (replace(WELL, key="", trouble="others may read wallet.json"), Severity.FAIL, "others may read"),
    ],
)
def test_a_wallet_that_can_not_sign_is_told_with_the_command_that_mends_it(
    refunds: RefundFacts, severity: Severity, says: str
) -> None:
    wallet = check_refunds(CHAIN, refunds)[0]
    assert (wallet.check, wallet.severity) == ("wallet", severity)
    assert says in f"{wallet.finding} {wallet.why}"
    assert wallet.next == "relayclear wallet add --chain alpha-1 --mnemonic-file FILE"


def test_a_single_endpoint_makes_every_refund_wait() -> None:
    assert found(replace(WELL, witnessed=False))["second_word"] is Severity.WARN


def test_a_denom_without_a_cap_never_goes_by_itself() -> None:
    (caps,) = check_refunds(CHAIN, replace(WELL, uncapped=("stake", "token")))[2:]
    assert caps.severity is Severity.WARN
    assert "stake, token" in caps.finding
