"""Codes to scan, drawn with half blocks: two rows of the code on one line of the screen."""

from __future__ import annotations

from rich.text import Text

# Dark over dark, dark over light, light over dark, light over light; drawn black on white whatever the theme.
_BLOCKS = {(1, 1): "█", (1, 0): "▀", (0, 1): "▄", (0, 0): " "}
_QUIET = 2


def qr(text: str) -> Text:
    """The text as a code; the lowest level of correction that needs no larger one: it has to fit 80x24."""
    # Only who sells something loads it.
    import segno  # noqa: PLC0415

    made = segno.make(text, micro=False, error="l")
    rows = [[int(bool(dark)) for dark in row] for row in made.matrix_iter(border=_QUIET)]
    if len(rows) % 2:
        rows.append([0] * len(rows[0]))
    lines = [
        "".join(_BLOCKS[upper, lower] for upper, lower in zip(rows[at], rows[at + 1], strict=True))
        for at in range(0, len(rows), 2)
    ]
    return Text("\n".join(lines), style="black on white", no_wrap=True)
