"""Every fault of the rehearsal network crossed with every use case: what the user sees, and what the money does.

`matrix.txt` is the table of the last run of all of it (`python -m tests.long faults`); each quick run holds a small
part of it to a new run.
"""
