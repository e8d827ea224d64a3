"""Doctor on a daemon that clears for nothing what is sold, and on a unit that starts something else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from relayclear.ibc.packet import RelayPath
from relayclear.usecases.doctor_facts import DoctorInput, Finding, Habits, Severity, UnitFacts
from relayclear.usecases.doctor_rivals import check_rivals
from relayclear.usecases.doctor_unit import check_unit
from tests.usecases.test_doctor import ALPHA, HERMES, PATH

SOLD = replace(ALPHA, payee="cosmos1payee")
BOTH = replace(HERMES, chains=("alpha-1", "beta-1"))
UNIT = UnitFacts("/etc/u.service", "/bin/r", there=True, ours="/bin/r", config="/c.toml", database="/d.db")


def closed(*ends: tuple[str, str]) -> Callable[[str, str], bool]:
    return lambda port, channel: (port, channel) not in ends


def rivals(paths: tuple[RelayPath, ...] | None = (PATH,), payee: bool = True, **changed: Any) -> list[Finding]:  # noqa: FBT001, FBT002
    chain = SOLD if payee else ALPHA
    return check_rivals(DoctorInput("/r.toml", (), (), (replace(BOTH, **changed),), (chain,), paths))


def test_a_daemon_that_clears_what_is_sold_is_passed_over() -> None:
    (finding,) = rivals()
    assert (finding.check, finding.chain, finding.severity) == ("daemon_rival", "alpha-1", Severity.WARN)
    assert finding.finding == "hermes start clears channel-0 when it starts and every 100 blocks"
    assert "clear_interval = 0" in (finding.next or "")
    assert '[["transfer", "channel-0"]]' in (finding.next or "")
    assert "/h.toml" in (finding.next or "")


def test_the_filter_that_is_offered_closes_every_channel_that_the_warning_is_about() -> None:
    paths = tuple(
        replace(
            PATH,
            source=PATH.source._replace(channel=f"channel-{number}"),
            destination=PATH.destination._replace(channel=f"channel-{number}"),
        )
        for number in range(20)
    )
    (finding,) = rivals(paths)
    assert "channel-0, channel-1, channel-10 and 17 more" in finding.finding
    assert all(f'["transfer", "channel-{number}"]' in (finding.next or "") for number in range(20))


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"clear_interval": 0}, "channel-0 when it starts"),
        ({"clear_on_start": False}, "channel-0 every 100 blocks"),
        ({"clear_on_start": False, "clear_interval": 0, "tx_confirmation": True}, "channel-0 again whatever"),
        ({"clear_on_start": False, "habits": {"alpha-1": Habits(closed(), 7)}}, "channel-0 every 7 blocks"),
        ({"paths": None}, "its channels when it starts"),
    ],
)
def test_one_of_its_ways_to_clear_is_passed_over(changed: dict[str, Any], said: str) -> None:
    (finding,) = rivals(**changed)
    assert finding.finding.startswith(f"hermes start clears {said}")


@pytest.mark.parametrize(
    "changed",
    [
        {"payee": False},
        {"packets_enabled": False},
        {"clear_on_start": False, "clear_interval": 0},
        {"clear_on_start": False, "habits": {"alpha-1": Habits(closed(), 0)}},
        {"paths": ()},
        {"chains": ("alpha-1",)},
        {
            "habits": {
                "alpha-1": Habits(closed(("transfer", "channel-0")), 9),
                "beta-1": Habits(closed(("transfer", "channel-7")), 9),
            }
        },
    ],
)
def test_a_daemon_that_leaves_what_is_sold_alone_is_blamed(changed: dict[str, Any]) -> None:
    assert rivals(**changed) == []


def test_a_channel_closed_at_one_end_is_called_closed() -> None:
    habits = {"alpha-1": Habits(closed(("transfer", "channel-0")), 100), "beta-1": Habits(closed(), 100)}
    (finding,) = rivals(habits=habits)
    assert (finding.check, finding.severity) == ("daemon_filter", Severity.WARN)
    assert finding.finding == "alpha-1/channel-0 is closed to the daemon, and its other end beta-1/channel-7 is open"
    assert (finding.next or "").startswith('deny ["transfer", "channel-7"] in the packet_filter of beta-1')


def test_a_channel_closed_at_the_far_end_is_called_cleared_by_itself() -> None:
    habits = {"alpha-1": Habits(closed(), 100), "beta-1": Habits(closed(("transfer", "channel-7")), 100)}
    (finding,) = rivals(habits=habits)
    assert finding.finding == "beta-1/channel-7 is closed to the daemon, and its other end alpha-1/channel-0 is open"


@pytest.mark.parametrize(
    ("changed", "severity", "said"),
    [
        ({"there": False}, Severity.FAIL, "starts /bin/r, which is not there"),
        ({"ours": "/opt/r"}, Severity.WARN, "starts /bin/r, and this is /opt/r"),
        ({"config": "/other.toml"}, Severity.WARN, "uses the config /other.toml, and this command /c.toml"),
        ({"database": "/other.db"}, Severity.WARN, "uses the database /other.db, and this command /d.db"),
        ({"missing": ("/etc/pass",)}, Severity.FAIL, "loads /etc/pass, which is not there"),
    ],
)
def test_a_unit_of_something_else_is_called_well(changed: dict[str, Any], severity: Severity, said: str) -> None:
    (finding,) = check_unit(replace(UNIT, **changed), "/c.toml", "/d.db")
    assert (finding.check, finding.severity) == ("unit", severity)
    assert said in finding.finding
    assert finding.next


def test_a_unit_that_fits_is_found_fault_with() -> None:
    for unit in (UNIT, replace(UNIT, ours=None), replace(UNIT, config="", database="")):
        (finding,) = check_unit(unit, "/c.toml", "/d.db")
        assert finding.severity is Severity.OK
    assert check_unit(None, "", "/d.db") == []
