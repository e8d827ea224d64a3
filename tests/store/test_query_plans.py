"""Every named SELECT of the room, as SQLite means to run it."""

from __future__ import annotations

import pkgutil
import re
from importlib import import_module
from types import ModuleType

import pytest

from relayclear import store
from relayclear.store.db import Database, with_list

ROOMS = [import_module(f"relayclear.store.{room.name}") for room in pkgutil.iter_modules(store.__path__)]
# Statements about the file itself, not about what is in it.
ROOMS = [room for room in ROOMS if room.__name__ != "relayclear.store.db"]


def statements(room: ModuleType) -> dict[str, str]:
    """Every named statement of a room; those of a table of statements by its name and their key."""
    found: dict[str, str] = {}
    for name, value in vars(room).items():
        texts = value if isinstance(value, dict) and name.isupper() else {"": value}
        found |= {f"{room.__name__.rpartition('.')[2]}.{name}{key and '.'}{key}": text for key, text in texts.items()}
    return {name: text for name, text in found.items() if isinstance(text, str)}


ALL = {name: text for room in ROOMS for name, text in statements(room).items()}
NAMED = {name: text for name, text in ALL.items() if text.lstrip().startswith("SELECT")}
CHANGING = {name: text for name, text in ALL.items() if re.match(r"\s*(UPDATE|DELETE)", text)}
# As many rows as there are scanned channels, or open operations: read whole on purpose.
SMALL = {"ends", "readings", "open_operations"}
# A row for each payee, gap that no node can serve, account of the books, sale not yet ended.
SMALL |= {"cursors", "gaps", "totals", "open_sales"}
# What is owed and not decided: read whole, for dust is judged over all that an address is owed.
SMALL |= {"dues"}
# Transactions that hold up refunds until somebody explains them: few, or nothing is refunded at all.
SMALL |= {"unexplained"}
# Runs of Hermes whose transactions an index doesn't show yet.
SMALL |= {"unread_costs"}
# Dependencies that were down lately.
SMALL |= {"breakers"}
# What holds now and shouldn't: told once, and gone when it is over.
SMALL |= {"alert_conditions"}
# A row for each chain, endpoint, Hermes, key that signs and channel end that is scanned.
SMALL |= {"vitals"}
# A row for each channel end that is scanned.
SMALL |= {"picture_changes", "outages"}
# Packets of the runs of Hermes that are under way now.
SMALL |= {"relay_steps"}
# What a page of payments was cut to.
SMALL |= {"page"}
# Indexes of a growing table that hold only its rows that are not over.
OPEN = ("tasks_by_planned_at", "tasks_by_run_at", "tasks_claimed", "tasks_dead")
# Sorts a handful: what ever held one packet, or was paid for one token.
SORTED = {"operations.SELECT_OF_PACKET", "tokens.SELECT_OF_PACKET", "payments.SELECT_OF_ORDER"}


def plan(database: Database, sql: str) -> list[str]:
    statement = with_list(sql, 3)
    return [row[3] for row in database.rows(f"EXPLAIN QUERY PLAN {statement}", (1,) * statement.count("?"))]


def walked(database: Database, sql: str) -> set[str]:
    """Tables and aliases that a statement reads from end to end."""
    aliases = dict(re.findall(r"(?:FROM|JOIN) (\w+) (?!ON|WHERE|JOIN)(\w)\b", sql))
    short = {alias: table for table, alias in aliases.items()}
    scans = [line for line in plan(database, sql) if line.startswith("SCAN") and "CONSTANT" not in line]
    names = [line.split()[1] for line in scans if not line.endswith(OPEN)]
    return {short.get(name, name) for name in names}


@pytest.mark.parametrize("name", NAMED)
def test_no_select_walks_a_table_that_grows(name: str, database: Database) -> None:
    assert walked(database, NAMED[name]) <= SMALL


@pytest.mark.parametrize("name", CHANGING)
def test_no_change_walks_a_table_that_grows(name: str, database: Database) -> None:
    assert walked(database, CHANGING[name]) <= SMALL


@pytest.mark.parametrize("name", [name for name in NAMED if "ORDER BY" in NAMED[name] and name not in SORTED])
def test_no_growing_table_is_sorted_on_the_way_out(name: str, database: Database) -> None:
    sorts = [line for line in plan(database, NAMED[name]) if "TEMP B-TREE" in line]
    # The packets of one attempt are few; everything else comes in index order.
    allowed = {"USE TEMP B-TREE FOR RIGHT PART OF ORDER BY", "USE TEMP B-TREE FOR LAST TERM OF ORDER BY"}
    assert set(sorts) <= allowed


def test_all_statements_of_the_room_are_looked_at() -> None:
    assert len(NAMED) >= 80
    assert len(CHANGING) >= 15
    assert {"history.PAGES.wallet", "tokens.SELECT_PAGE", "operations.SELECT_OF_CHANNEL"} <= set(NAMED)


def test_a_walk_would_be_noticed(database: Database) -> None:
    assert walked(database, "SELECT data FROM packets p WHERE send_tx = ?") == {"packets"}
    assert walked(database, "SELECT id FROM operations WHERE sequences = ?") == {"operations"}
