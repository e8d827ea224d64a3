"""relayclear: find stuck IBC packets, clear exactly the chosen ones, prove what became of them."""

__version__ = "0.1.0"
