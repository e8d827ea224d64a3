"""What takes longer than a gate may: thousands of random cases, run by hand with `python -m tests.long`.

`test_small_part.py` runs a small fixed part of each in every suite.
"""
