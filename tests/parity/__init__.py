"""One suite of scenarios over two worlds: the rehearsal network and real chains with a real Hermes.

A case is a function from a `Side` to an observation, a tree as JSON knows it.  `normal` takes out of it what differs
from run to run; `golden/` holds what the real network showed.  Both worlds are compared with that: the rehearsal
network in the quick tests, the real one where `RELAYCLEAR_LOCALNET` asks for it.  What is meant to differ stands in
`DIFFERENCES`, in `test_parity`.

A new case: write it, then `RELAYCLEAR_WRITE_PARITY=1 RELAYCLEAR_LOCALNET=auto pytest tests/parity -k "real and CASE"`
records what is real, and the quick tests say where the rehearsal network is not.  Cases may come in any order and on
any worker: what several look at is a scene, made once and only read; what a case spends is a purse of its own.
"""
