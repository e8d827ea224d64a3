"""Whether the process that holds a claim is gone: said only where nobody can be mistaken."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from relayclear.store.owners import is_gone, new_lease

HOLDER = """
from relayclear.store.owners import new_lease
print(new_lease(), flush=True)
input()
"""


@pytest.fixture
def holder() -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process
        process.kill()


def lease_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline().strip()


def test_who_lives_is_not_gone(holder: subprocess.Popen[str]) -> None:
    lease = lease_of(holder)
    assert (is_gone(lease), is_gone(new_lease())) == (False, False)
    assert new_lease() != new_lease()


def test_who_was_killed_is_gone_whether_collected_or_not(holder: subprocess.Popen[str]) -> None:
    lease = lease_of(holder)
    holder.kill()
    os.waitid(os.P_PID, holder.pid, os.WEXITED | os.WNOWAIT)
    assert is_gone(lease)
    holder.wait()
    assert is_gone(lease)


def test_another_process_of_the_same_number_is_not_its_owner() -> None:
    pid, born, *rest = new_lease().split(":")
    earlier = ":".join([pid, str(int(born) - 1), *rest])
    assert is_gone(earlier)


def test_a_number_of_another_namespace_says_nothing(holder: subprocess.Popen[str]) -> None:
    pid, born, namespace, *rest = lease_of(holder).split(":")
    holder.kill()
    holder.wait()
    assert is_gone(":".join([pid, born, namespace, *rest]))
    assert not is_gone(":".join([pid, born, namespace + "1", *rest]))


@pytest.mark.parametrize(
    "lease", ["", "1:gone", "0:1:1:a", "-1:1:1:a", "x:1:1:a", "1", ":::", "99999999999999999999:5::a", "7::1:a"]
)
def test_a_name_that_says_too_little_is_of_nobody_that_is_gone(lease: str) -> None:
    assert not is_gone(lease)


def test_a_number_that_no_process_can_have_is_of_nobody(holder: subprocess.Popen[str]) -> None:
    _, born, *rest = lease_of(holder).split(":")
    assert not is_gone(":".join(["9" * 30, born, *rest]))
