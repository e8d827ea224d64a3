"""Durable tasks: claimed for a while, done in steps, each ended by one fenced commit; knows no domain."""
