"""Tests, a folder a room; `localnet` is the real network."""
