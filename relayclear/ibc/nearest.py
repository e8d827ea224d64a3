"""What somebody may have meant by a word that isn't known: one answer for every face and every kind of name."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import SequenceMatcher, get_close_matches

# So much less like it than the best one, and naming it would only distract.
_WORSE = 0.15
# Of fewer characters anything is the start.
_SHORTEST = 4


def nearest(word: str, known: Iterable[str], most: int = 2, cutoff: float = 0.5) -> list[str]:
    """The known words most like this one, best first, capitals or not; none where none is like it."""
    # Several may differ by their capitals alone: the first by name stands for them.
    by_folded = {name.casefold(): name for name in sorted(known, reverse=True)}
    folded = word.casefold()
    near = get_close_matches(folded, by_folded, n=most, cutoff=cutoff)
    likeness = [SequenceMatcher(None, one, folded).ratio() for one in near]
    return [by_folded[one] for one, like in zip(near, likeness, strict=True) if like > likeness[0] - _WORSE]


def nearest_of(word: str, known: Iterable[str]) -> str:
    """The known word most like this one, else the first that there is: what a `try:` line can name."""
    names = list(known)
    return next(iter(nearest(word, names, 1)), names[0] if names else "")


def near_id(word: str, known: Iterable[str]) -> str:
    """A tail for an error about an id, or the start of one: only what is a slip away, for ids are like each other."""
    names = list(known)
    # Who copies the start of an id may slip in it: compared with as much of each.
    starts = {name[: max(len(word), _SHORTEST)]: name for name in reversed(names)}
    near = nearest(word, starts, 1, cutoff=0.75) if len(word) >= _SHORTEST else []
    return f"; did you mean {starts[near[0]]}?" if near else ""


def did_you_mean(word: str, known: Iterable[str], most: int = 6, cutoff: float = 0.5) -> str:
    """A tail for an error: the nearest known words, else up to so many of those that there are, or nothing."""
    names = sorted(known)
    near = nearest(word, names, cutoff=cutoff)
    if near:
        return f"; did you mean {' or '.join(near)}?"
    # Where nothing is like it, "did you mean" would be a guess: what there is helps more.
    more = ", …" if len(names) > most else ""
    return f"; known: {', '.join(names[:most])}{more}" if names and most else ""
