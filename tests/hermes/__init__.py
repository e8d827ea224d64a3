"""Tests of the room that drives Hermes."""
