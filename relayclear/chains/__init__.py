"""Reading chains: CometBFT RPC and Cosmos queries behind the `Chain` port."""

import sys

# httpx has a command line of its own, which it imports with itself: rich, click and pygments, more than
# half of its import time. Where that can't be imported it does without, as its authors meant it to.
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]
