"""The views, each a module: its panels, what they read, and their columns."""

from __future__ import annotations

from importlib import import_module

from relayclear.dashboard.view import View


def view_class(name: str) -> type[View]:
    """The view of a name in the table of actions; its module is loaded when it is asked for first.

    All six together take longer to load than the first one takes to be drawn.
    """
    found: type[View] = getattr(import_module(f"{__name__}.{name}"), f"{name.capitalize()}View")
    return found
