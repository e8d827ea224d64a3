"""A network in a box: simulated chains and a stand-in relayer behind the interfaces of the real ones.

It shares no encoder and no hash with its subject, so that it can't share their mistakes; the protobufs of
Cosmos are shared knowingly.  What it says is held to real chains, field by field, by `tests/parity`.
"""
