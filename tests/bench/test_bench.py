"""The harness itself: verdicts, interleaving, and that the peers do the work they claim."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.bench.__main__ import main
from tests.bench.benches import BENCHES, Bench, Kind
from tests.bench.ground import Ground, checked_once
from tests.bench.measure import BenchError, Outcome, interleave, process, weigh
from tests.bench.peers import NAIVE_REQUESTS, naive_plan

_FAILURE = "it broke"


@pytest.mark.parametrize(
    ("kind", "limit", "ours", "peer", "reached", "shown"),
    [
        ("ratio", 1.2, 0.6, 0.5, True, "ratio 1.2"),
        ("ratio", 1.2, 0.61, 0.5, False, "ratio 1.22"),
        ("difference", 150, 0.19, 0.05, True, "difference 140"),
        ("difference", 150, 0.21, 0.05, False, "difference 160"),
        ("size", 100, 99.9, 30.0, True, "size 99.9"),
        ("size", 100, 101.0, 300.0, False, "size 101"),
        ("rate", 200, 200.0, 900.0, True, "rate 200"),
        ("rate", 200, 199.0, 900.0, False, "limit 200/s"),
    ],
)
def test_a_limit_holds_up_to_its_value(
    kind: Kind, limit: float, ours: float, peer: float, *, reached: bool, shown: str
) -> None:
    verdict = _bench(kind, limit).judge(Outcome(ours, peer))

    assert verdict.reached is reached
    assert shown in verdict.line
    assert verdict.line.endswith("  reached" if reached else "not reached")


def test_a_side_that_failed_reaches_nothing_and_the_other_is_still_measured() -> None:
    outcome = interleave(_failing, lambda: 0.5, 4)
    verdict = _bench("ratio", 100).judge(outcome)

    assert (outcome.ours, outcome.peer) == (None, 0.5)
    assert not verdict.reached
    assert "ours: it broke" in verdict.line


def test_sides_take_turns_at_going_first() -> None:
    order: list[str] = []

    def side(name: str) -> float:
        order.append(name)
        return 0.1

    interleave(lambda: side("ours"), lambda: side("peer"), 3)

    assert order == ["ours", "peer", "peer", "ours", "ours", "peer"]


def test_a_wrong_result_is_never_measured() -> None:
    side = checked_once(_failing, lambda: 0.1)

    for _ in range(2):
        with pytest.raises(BenchError):
            side()


def test_the_naive_plan_has_the_requests_that_were_measured() -> None:
    plan = naive_plan()

    assert len(plan) == NAIVE_REQUESTS
    assert max(len(queries) for _, queries in plan) == 10


def test_memory_of_a_child_is_not_its_parents() -> None:
    ballast = bytearray(200_000_000)
    cost = weigh([sys.executable, "-c", "pass"])
    del ballast

    assert cost.peak_mb < 60


def test_memory_counts_what_the_child_took(tmp_path: Path) -> None:
    out = tmp_path / "out"
    cost = weigh([sys.executable, "-c", "print(len(bytearray(200_000_000)))"], out=str(out))

    assert cost.peak_mb > 200
    assert out.read_text() == "200000000\n"


def test_a_program_that_fails_is_named_with_its_last_words() -> None:
    with pytest.raises(BenchError, match=r"exited with 3: no luck"):
        process([sys.executable, "-c", "import sys; print('no luck', file=sys.stderr); sys.exit(3)"])


def test_an_unknown_name_is_refused_with_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["nosuch"]) == 2
    assert "list-cold" in capsys.readouterr().err


def test_the_list_names_every_benchmark_and_starts_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(BENCHES)


def _bench(kind: Kind, limit: float) -> Bench:
    def prepare(_ground: Ground) -> tuple[type[float], type[float]]:
        raise AssertionError

    return Bench("name", "title", prepare, limit, 1, kind)


def _failing() -> float:
    raise BenchError(_FAILURE)
