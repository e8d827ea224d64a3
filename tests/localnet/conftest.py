"""Every test that uses the real network is marked `localnet`, and skipped unless it is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.localnet.fixtures import (
    _expired_pool,
    _plain_pool,
    _programs,
    channel,
    expired_network,
    network,
    own_network,
    required,
    why_not,
)

if TYPE_CHECKING:
    from collections.abc import Generator

__all__ = ["_expired_pool", "_plain_pool", "_programs", "channel", "expired_network", "network", "own_network"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs the programs, and skip it when it can't run."""
    reason = why_not()
    for item in items:
        if "_programs" in getattr(item, "fixturenames", ()):
            item.add_marker("localnet")
            if reason:
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Where the real network is required, a test that was skipped has failed."""
    report = yield
    if report.skipped and required() and item.get_closest_marker("localnet") and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, where the real network is required: {report.longrepr}"
    return report
