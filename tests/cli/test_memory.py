"""Status and completion come from memory alone: quick, never from the network, never an error."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from relayclear.cli import completion
from relayclear.cli.output import Exit
from relayclear.errors import NodeError
from relayclear.ibc.packet import SequenceRanges
from relayclear.usecases.clear import Watcher, run_clear
from relayclear.usecases.clear_plan import ClearRequest, plan_clear
from relayclear.usecases.refund_rules import RefundRules
from relayclear.usecases.scan import scan
from tests.cli.conftest import Cli
from tests.fakes.relayer import crashes
from tests.fakes.rig import Rig
from tests.usecases.refunding import Giver


@pytest.fixture
def remembered(rig: Rig, tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Rig:
    """The rig's own database as this user's, beside a Hermes config."""
    monkeypatch.setenv("RELAYCLEAR_DB", str(tmp_path / "relayclear.db"))
    (home / ".hermes").mkdir()
    (home / ".hermes" / "config.toml").write_text("", encoding="utf-8")
    return rig


def test_without_a_hermes_config_bare_relayclear_says_how_to_name_one(cli: Cli) -> None:
    said = cli()
    assert said.code == Exit.DONE
    assert said.lines[0] == "No Hermes config found."
    assert cli("--json").document["hermes_configs"] == []


def test_who_never_looked_is_told_to_look(cli: Cli, remembered: Rig) -> None:
    del remembered
    # There is a Hermes config, and none of relayclear's own yet.
    assert cli().lines == ["No scan yet.", "  try: relayclear init"]
    assert cli("--json").document["looked_at"] is None


def test_the_last_look_is_told_from_memory_with_what_failed_since(cli: Cli, remembered: Rig) -> None:
    rig = remembered
    for _ in range(7):
        end, _ = rig.world.connect("alpha-1", "beta-1")
        rig.world.send(end)
    rig.clock.step(600)
    asyncio.run(scan(rig.desk))
    rig.alpha.failing[rig.source] = NodeError("half a JSON")
    asyncio.run(scan(rig.desk))
    rig.alpha.asked.clear()
    said = cli()
    assert said.lines[0].startswith("7 packets pending on 7 of 16 paths, looked ")
    assert said.lines[3] == "  … and 5 more"
    assert "1 path could not be read at the last look: relayclear doctor" in said.lines
    assert len(said.lines) <= 10
    document = cli("--json").document
    assert document["failed"] == [
        {"chain": "alpha-1", "port": "transfer", "channel": "channel-0", "error": "half a JSON"}
    ]
    assert [row["pending"] for row in document["waiting"]] == [1] * 7
    assert rig.alpha.asked == []


def test_a_clear_that_never_ended_is_told(cli: Cli, remembered: Rig) -> None:
    remembered.stuck()
    remembered.relayer.scenarios = [crashes]

    async def work() -> None:
        request = ClearRequest(remembered.source, SequenceRanges.of([1]))
        await run_clear(remembered.desk, await plan_clear(remembered.desk, request), Watcher(asyncio.Event()))

    with pytest.raises(ZeroDivisionError):
        asyncio.run(work())
    assert "1 clear never ended: relayclear operations list" in cli().lines


class _Typed:
    """What is on the command line so far."""

    def __init__(self, **params: str) -> None:
        """Keep the options."""
        self.params = params


def test_completion_offers_what_was_ever_looked_at(remembered: Rig) -> None:
    remembered.world.connect("alpha-1", "beta-1")
    remembered.stuck()

    async def work() -> None:
        request = ClearRequest(remembered.source, SequenceRanges.of([1]))
        await run_clear(remembered.desk, await plan_clear(remembered.desk, request), Watcher(asyncio.Event()))
        await scan(remembered.desk)

    asyncio.run(work())
    assert completion.chains("") == ["alpha-1", "beta-1"]
    assert completion.chains("be") == ["beta-1"]
    assert completion.channels(_Typed(), "") == ["channel-0", "channel-1"]
    assert completion.channels(_Typed(chain="gamma-1"), "") == []
    assert completion.packets("alpha-1/channel-1") == ["alpha-1/channel-1/"]
    assert completion.packets("alpha-1/channel-0/") == []
    assert completion.paths("beta-1/") == ["beta-1/channel-0", "beta-1/channel-1"]
    assert [name[:3] for name in completion.operations("op-")] == ["op-"]
    assert [name for name, _ in completion.topics("exit")] == ["exit-codes"]


@pytest.mark.parametrize("spoilt", ["missing", "garbage", "config"])
def test_completion_is_silent_whatever_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], spoilt: str
) -> None:
    place = tmp_path / "spoilt.db"
    monkeypatch.setenv("RELAYCLEAR_DB", str(place))
    if spoilt == "garbage":
        place.write_bytes(b"not a database" * 100)
    if spoilt == "config":
        monkeypatch.setenv("RELAYCLEAR_CONFIG", str(tmp_path / "nowhere.toml"))
    answers: Sequence[list[str]] = [completion.chains(""), completion.operations("op-")]
    assert list(answers) == [[], []]
    assert capfd.readouterr() == ("", "")
    assert place.exists() is (spoilt == "garbage")


def test_bare_relayclear_forgets_whom_money_is_owed(cli: Cli, remembered: Rig, tmp_path: Path) -> None:
    giver = Giver(remembered, tmp_path / "shop", refund_rules=RefundRules())
    token = giver.quote(giver.rig.stuck())
    giver.pay(token, 500_000)
    giver.expire(token)
    assert "1 refund waits to be decided: relayclear refunds list" in cli().lines
    assert cli("--json").document["refunds"] == {"owed": 1, "approved": 0}
    giver.approve_all()
    assert "1 refund is approved and not sent: relayclear refunds sweep" in cli().lines
    giver.sweep()
    assert "refund" not in cli().text
