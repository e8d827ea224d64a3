"""Nodes that are away: what was known is shown with its age, and after two hours nothing is."""

from __future__ import annotations

import asyncio

from relayclear.errors import NodeError
from relayclear.usecases.listing import ListRequest, list_packets
from relayclear.usecases.scan import scan
from relayclear.usecases.status import last_status
from relayclear.usecases.views import PathView
from tests.fakes.rig import Rig


def path(rig: Rig) -> PathView:
    listing = asyncio.run(list_packets(rig.desk, ListRequest()))
    return next(one for one in listing.paths if one.path.source == rig.source)


def test_what_was_known_of_an_unread_path_is_told_with_its_age_and_never_as_its_count(rig: Rig) -> None:
    rig.stuck(count=3)
    asyncio.run(scan(rig.desk))
    at = rig.clock.now()
    rig.clock.step(3600)
    rig.beta.down = NodeError("beta-1: it hangs")
    view = path(rig)
    assert (view.pending, view.stuck) == (None, None)
    assert view.last_good is not None
    assert (view.last_good.pending, view.last_good.at) == (3, at)


def test_after_two_hours_nothing_is_known(rig: Rig) -> None:
    rig.stuck(count=3)
    asyncio.run(scan(rig.desk))
    rig.beta.down = NodeError("beta-1: it hangs")
    rig.clock.step(7200)
    assert path(rig).last_good is not None
    assert len(last_status(rig.journal, rig.clock.now()).waiting) == 1
    rig.clock.step(1)
    assert path(rig).last_good is None
    status = last_status(rig.journal, rig.clock.now())
    assert (status.waiting, len(status.failed)) == ((), 2)


def test_a_path_that_can_be_read_has_no_need_of_what_was(rig: Rig) -> None:
    rig.stuck()
    assert path(rig).last_good is None


def test_a_path_that_was_never_read_has_nothing_to_tell(rig: Rig) -> None:
    asyncio.run(scan(rig.desk))
    rig.journal.restart_chain("alpha-1", rig.clock.now())
    rig.alpha.down = NodeError("alpha-1: it hangs")
    listing = asyncio.run(list_packets(rig.desk, ListRequest()))
    assert all(one.last_good is None for one in listing.paths)
