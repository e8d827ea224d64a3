"""A stand-in for Hermes 1.10.5: a program of its own that relays between simulated chains over their RPC.

It shares the real one's flags, JSON, log lines, exit codes and lies, and knows nothing of a chain that its
node doesn't say.  Texts were compared with the real program's; its sources are named `cli/` (crate
ibc-relayer-cli 1.10.5) and `rly/` (ibc-relayer 0.29.5).
"""
