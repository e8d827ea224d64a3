"""Benchmarks: our commands against what they replace, as ratios within one run (`python -m tests.bench`)."""
