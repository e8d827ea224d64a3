"""Tests that are coroutines: each in a loop of its own."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Coroutine
from typing import Any


def run(scene: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Play a scene that a plain test has set up."""
    asyncio.run(scene())


def in_loop(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """The test as a plain function, with the same fixtures."""

    @functools.wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        asyncio.run(test(*args, **kwargs))

    return run
