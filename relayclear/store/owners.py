"""Which process holds a claim, and whether it is known to be gone.

A claim's lease is named ``PID:BORN:NAMESPACE:RANDOM``.  A process id comes back, also to the first
process of a container that was started again, so it counts only together with the moment its
process was born (clock ticks since the boot, proc(5) stat field 22) and the namespace that numbers
it.  Where the system tells neither, nobody is ever known to be gone: a lease then ends by its time.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from secrets import token_hex

_PROC = Path("/proc")
_NAMESPACE = _PROC / "self/ns/pid"
# proc(5) stat: 3 state, 22 starttime; counted from the end of the name, which may hold anything.
_STATE, _BORN = 0, 19
_ENDED = {"Z", "X"}


def new_lease() -> str:
    """A name for one claim of this process."""
    pid = os.getpid()
    return f"{pid}:{_born(pid) or ''}:{_namespace()}:{token_hex(8)}"


def is_gone(lease: str) -> bool:
    """Whether the process of a lease of this boot has ended; False also where nobody can tell."""
    pid, _, rest = lease.partition(":")
    born, _, rest = rest.partition(":")
    namespace, _, _ = rest.partition(":")
    if not (pid.isdecimal() and int(pid) > 0 and born and namespace) or namespace != _namespace():
        return False
    now = _born(int(pid))
    # Whose processes are hidden from us are there all the same.
    return _is_nobody(int(pid)) if now is None else now != born


def _is_nobody(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):
        return False
    return False


def _born(pid: int) -> str | None:
    """When a process was born; empty for one that has ended and waits to be collected, None where it can't be read."""
    with suppress(OSError, IndexError):
        fields = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        return "" if fields[_STATE] in _ENDED else fields[_BORN]
    return None


def _namespace() -> str:
    with suppress(OSError):
        return _NAMESPACE.readlink().name.removeprefix("pid:").strip("[]")
    return ""
