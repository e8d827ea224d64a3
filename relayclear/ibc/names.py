"""Which texts can name a chain, a port or a channel: chains' own rules, less what a program could take for an option.

Names of channel ends come from chains and end up in the argument list of a relayer program.  ICS-24 lets a name
begin with a hyphen; no module and no chain that anybody relays has one, so that such a name only comes from a node
that lies.
"""

from __future__ import annotations

import re

# ICS-24 (ibc-go `host.validate`): at most 128 of these.
_END = re.compile(r"[A-Za-z0-9._+#\[\]<>][A-Za-z0-9._+#\[\]<>-]{0,127}")
# CometBFT takes any text of up to 50 bytes; a slash would make two names of one wherever they are pasted.
_CHAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}")


def names_end(text: str) -> bool:
    """Whether a text can be the id of a port or a channel."""
    return _END.fullmatch(text) is not None


def names_chain(text: str) -> bool:
    """Whether a text can be the id of a chain."""
    return _CHAIN.fullmatch(text) is not None
