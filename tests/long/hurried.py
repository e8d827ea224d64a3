"""`python -m tests.long.hurried SECONDS …`: relayclear with leases of so many seconds instead of thirty."""

from __future__ import annotations

import sys

from relayclear.store import tasks


def main() -> None:
    """Shorten the lease before anything reads it, and be relayclear."""
    tasks.LEASE_SECONDS = float(sys.argv.pop(1))
    from relayclear.cli.app import main as relayclear  # noqa: PLC0415  the engine reads the lease when it is loaded

    relayclear()


if __name__ == "__main__":
    main()
