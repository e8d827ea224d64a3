"""Truth tables as pictures: the questions that a rule asks, one after the other, as a Mermaid flow chart.

The tables are those of the docstrings, which the rules' own tests hold to the code row by row.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tests.ibc.tables import Row, head_of, table

# What a table writes where a column doesn't matter.
_ANYTHING = {"", "-"}


@dataclass
class Node:
    """A question with an answer an edge, or an outcome where there are none."""

    text: str
    answers: list[tuple[str, Node]] = field(default_factory=list)


def tree(head: Sequence[str], rows: Sequence[Row]) -> Node:
    """The tree of questions for a table of which the first row that fits counts.

    It asks first what the first row needs to know.  A row that doesn't care stands under every answer, and
    under none of them too: there it counts as "otherwise".
    """
    first = rows[0]
    asked = next((at for at, cell in enumerate(first[:-1]) if cell not in _ANYTHING), None)
    if asked is None:
        return Node(first[-1])
    answers = list(dict.fromkeys(row[asked] for row in rows if row[asked] not in _ANYTHING))
    careless = [row for row in rows if row[asked] in _ANYTHING]
    node = Node(head[asked])
    for answer in answers:
        rest = [_without(row, asked) for row in rows if row[asked] == answer or row[asked] in _ANYTHING]
        node.answers.append((answer, tree(head, rest)))
    if careless and not {"yes", "no"} <= {*answers}:
        node.answers.append(("otherwise", tree(head, careless)))
    return node


def _without(row: Row, column: int) -> Row:
    return (*row[:column], "", *row[column + 1 :])


def flowchart(root: Node) -> str:
    """The tree as Mermaid, in its fence.  What ends alike in several places is drawn in each of them."""
    lines = ["flowchart LR"]

    def drawn(node: Node) -> str:
        """Draw a node and all under it; its name."""
        name = f"n{len(lines)}"
        lines.append(f'  {name}{{"{_text(node.text)}"}}' if node.answers else f'  {name}(["{_text(node.text)}"])')
        for answer, under in node.answers:
            lines.append(f'  {name} -- "{_text(answer)}" --> {drawn(under)}')
        return name

    drawn(root)
    return "```mermaid\n" + "\n".join(lines) + "\n```\n"


def _text(text: str) -> str:
    # A quotation mark would end the label; `#` begins an entity.
    return text.replace("#", "no. ").replace('"', "'")


def questions(rule: Callable[..., object], *, outcome: int = 1) -> str:
    """The flow chart of a rule, from the table in its docstring; its last `outcome` columns are what comes out."""
    head, rows = head_of(rule), table(rule)
    if outcome > 1:
        rows = [(*row[:-outcome], ", ".join(row[-outcome:])) for row in rows]
    return flowchart(tree(head, rows))


def as_table(rule: Callable[..., object]) -> str:
    """The table in a rule's docstring, as it stands there."""
    lines = [line.strip() for line in (rule.__doc__ or "").splitlines() if line.strip().startswith("|")]
    return "\n".join(lines) + "\n"
