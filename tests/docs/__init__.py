"""The pages for readers: what of them is made from the code, and what is held to it.

``python -m tests.docs`` makes anew what is made: diagrams, tables of the reference, and what each command of the
guides prints on a rehearsal network.
"""
