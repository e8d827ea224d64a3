"""`python -m tests.docs`: make anew what the pages have from the code, and what their commands print.

Look at the difference before you commit it.  With --made only the parts that need no network, in a second.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.docs.makers import MAKERS
from tests.docs.pages import PAGES, made_anew, text_of
from tests.docs.typed import typed_anew


def main() -> None:
    """Write every page that has changed, and say which."""
    for name, path in PAGES.items():
        before = text_of(name)
        after = made_anew(before, MAKERS)
        if "--made" not in sys.argv:
            with tempfile.TemporaryDirectory(prefix="relayclear-docs-") as folder:
                after = typed_anew(after, Path(folder))
        if after != before:
            path.write_text(after, encoding="utf-8")
            print(f"made anew: {name}")


if __name__ == "__main__":
    main()
