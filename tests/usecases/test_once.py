"""A wish that is made twice at once, or whose process dies between what it does and its answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from relayclear.config.keyfiles import KeyFiles
from relayclear.errors import RefusedError
from relayclear.ibc.packet import SequenceRanges
from relayclear.money.issuer import IssuerKey
from relayclear.money.state import TokenState
from relayclear.store.db import Reads
from relayclear.usecases.clear import Watcher, run_clear
from relayclear.usecases.clear_plan import ClearRequest, plan_clear
from relayclear.usecases.desk import Desk
from relayclear.usecases.keys import create_key, rotate_key
from relayclear.usecases.mute import mute_packets
from relayclear.usecases.once import AnsweredError, Once
from relayclear.usecases.tokens_acts import revoke_token
from tests.fakes.rig import Rig
from tests.usecases.counter import Counter

ONCE = Once("k", ("do", "it"))


class KilledError(BaseException):
    """What ends a process at once."""


def test_of_two_processes_with_one_wish_one_clears(rig: Rig) -> None:
    rig.stuck()

    async def both() -> None:
        request = ClearRequest(rig.source, SequenceRanges.of([1]))
        plans = [await plan_clear(rig.desk, request) for _ in range(2)]
        await run_clear(rig.desk, plans[0], Watcher(asyncio.Event()), ONCE)
        with pytest.raises(AnsweredError) as again:
            await run_clear(rig.desk, plans[1], Watcher(asyncio.Event()), ONCE)
        (operation,) = rig.journal.operations(9)
        assert again.value.answer == {"operation_id": operation.id}

    asyncio.run(both())
    assert len(rig.relayer.jobs) == 1
    assert rig.relayer.held == {}


def test_what_could_not_be_told_was_not_done(rig: Rig, tmp_path: Path) -> None:
    token = Counter(rig, tmp_path / "shop").quote(rig.stuck())

    def dies(reads: Reads, done: object) -> None:
        del reads, done
        raise KilledError

    with pytest.raises(KilledError):
        revoke_token(rig.desk, token.memo, "too cheap", "ada", replace(ONCE, told=dies))
    view = revoke_token(rig.desk, token.memo, "too cheap", "ada", replace(ONCE, told=lambda _, __: "told"))
    assert view.state is TokenState.REVOKED
    with pytest.raises(AnsweredError):
        revoke_token(rig.desk, token.memo, "too cheap", "ada", ONCE)
    with pytest.raises(RefusedError):
        revoke_token(rig.desk, token.memo, "too cheap", "ada", replace(ONCE, words=("do", "that")))


def test_a_wish_that_was_granted_asks_no_node_again(rig: Rig) -> None:
    rig.stuck()
    asyncio.run(mute_packets(rig.desk, rig.source, None, "known", None, "ada", ONCE))
    heard: list[str] = []
    rig.alpha.heard = heard.append
    with pytest.raises(AnsweredError) as again:
        asyncio.run(mute_packets(rig.desk, rig.source, None, "known", None, "ada", ONCE))
    assert (again.value.answer, heard, len(rig.journal.mutes(rig.clock.now()))) == (1, [], 1)


class Dying(KeyFiles):
    """Key files of a process that is killed once, before or after it has written one."""

    dies = ""

    def create(self, at: datetime, above: int = 0) -> IssuerKey:
        """As it says."""
        return self._die(lambda: super(Dying, self).create(at, above))

    def rotate(self, at: datetime, above: int = 0) -> IssuerKey:
        """As it says."""
        return self._die(lambda: super(Dying, self).rotate(at, above))

    def _die(self, make: Callable[[], IssuerKey]) -> IssuerKey:
        when, self.dies = self.dies, ""
        if when == "before":
            raise KilledError
        made = make()
        if when == "after":
            raise KilledError
        return made


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("make", [create_key, rotate_key])
def test_a_key_is_made_once_whenever_its_process_is_killed(
    rig: Rig, tmp_path: Path, make: Callable[[Desk, str, Once], IssuerKey], when: str
) -> None:
    keys = Dying(tmp_path / "shop" / "keys")
    rig.shop = replace(rig.sell(tmp_path / "shop"), keys=keys)
    before = [create_key(rig.desk, "ada").kid] if make is rotate_key else []
    keys.dies = when
    with pytest.raises(KilledError):
        make(rig.desk, "ada", ONCE)
    made = [make(rig.desk, "ada", ONCE) for _ in range(3)]
    assert [key.kid for key in keys.listed()] == [*before, made[0].kid]
    assert made == made[:1] * 3
