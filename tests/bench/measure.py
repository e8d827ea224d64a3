"""Measuring: interleaved rounds, medians, and what one child process cost."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

Side = Callable[[], float]
"""One measurement: runs the thing once and returns seconds (or MB, for memory)."""

_TIME_LIMIT = 300.0
# Linux counts peak memory in KiB, macOS in bytes.
_PEAK_UNIT = 1 if sys.platform == "darwin" else 1024
# Linux hands a parent's peak memory on to its child through fork and exec, so a fat measuring process would
# report itself. This launcher has about 10 MB.
_LAUNCHER = """
import json, os, sys, time
spec = json.load(sys.stdin)
out = os.open(os.devnull if spec["out"] is None else spec["out"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
start = time.perf_counter()
pid = os.posix_spawn(spec["argv"][0], spec["argv"], os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, out, 1)])
_, status, usage = os.wait4(pid, 0)
print(json.dumps([os.waitstatus_to_exitcode(status), time.perf_counter() - start, usage.ru_maxrss]))
"""


class BenchError(Exception):
    """A side of a benchmark did not do its work, so its time means nothing."""


@dataclass(frozen=True)
class Outcome:
    """Medians of one benchmark: seconds or MB; `None` where a side failed, with the reason in `error`."""

    ours: float | None
    peer: float | None
    error: str | None = None


@dataclass(frozen=True)
class Verdict:
    """One benchmark's line and whether its limit holds."""

    line: str
    reached: bool


@dataclass(frozen=True)
class Cost:
    """What one child process cost: wall seconds, peak resident memory in MB (10^6 bytes)."""

    seconds: float
    peak_mb: float


def interleave(ours: Side, peer: Side, rounds: int) -> Outcome:
    """Run both sides in turn, `rounds` times each, the first place changing hands; medians of each.

    When one side fails it is not tried again, and the other is measured all the same.
    """
    sides = {"ours": ours, "peer": peer}
    taken: dict[str, list[float]] = {"ours": [], "peer": []}
    errors: dict[str, str] = {}
    for turn in range(rounds):
        for name in sorted(sides, reverse=turn % 2 == 1):
            if name not in errors:
                _take(name, sides[name], taken[name], errors)
    medians = {name: None if name in errors else statistics.median(taken[name]) for name in sides}
    return Outcome(medians["ours"], medians["peer"], "; ".join(errors.values()) or None)


def timed(run: Callable[[], object]) -> float:
    """Wall seconds of one call."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def process(argv: Sequence[str], env: Mapping[str, str] | None = None) -> bytes:
    """Run a program to its end and return its stdout; `BenchError` when it exits with anything but 0."""
    done = subprocess.run(argv, capture_output=True, check=False, env=env, timeout=_TIME_LIMIT)
    if done.returncode:
        raise BenchError(_failure(argv, done.returncode, done.stderr))
    return done.stdout


def weigh(argv: Sequence[str], env: Mapping[str, str] | None = None, out: str | None = None) -> Cost:
    """Run a program (absolute path first) under a small launcher; its stdout goes to the file `out` or nowhere."""
    spec = json.dumps({"argv": list(argv), "out": out}).encode()
    launcher = [sys.executable, "-I", "-S", "-c", _LAUNCHER]
    done = subprocess.run(
        launcher, input=spec, capture_output=True, check=True, env=env or os.environ, timeout=_TIME_LIMIT
    )
    code, seconds, peak = json.loads(done.stdout)
    if code:
        raise BenchError(_failure(argv, code, done.stderr))
    return Cost(seconds, peak * _PEAK_UNIT / 1e6)


def _take(name: str, side: Side, into: list[float], errors: dict[str, str]) -> None:
    try:
        into.append(side())
    except (BenchError, NotImplementedError, OSError, subprocess.SubprocessError) as problem:
        errors[name] = f"{name}: {problem or type(problem).__name__}"


def _failure(argv: Sequence[str], code: int, stderr: bytes) -> str:
    lines = stderr.decode(errors="replace").strip().splitlines()
    return f"{' '.join(argv[:4])} … exited with {code}: {lines[-1] if lines else 'nothing on stderr'}"
